/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * That structures are Linux's: the size and each member's place, for all that options, ancillary
 * data and notifications have (linux/sctp.h), of extensions that are not built too. They are what
 * programs were compiled with, so a header that says otherwise must not be built against.
 *
 * Numbers are in linux_numbers.h.
 */
#ifndef API_LINUX_LAYOUTS_H
#define API_LINUX_LAYOUTS_H

#include "usctp/usctp.h"

#include <stddef.h>

#define SIZE(name, bytes)      _Static_assert(sizeof(struct name) == (bytes), "Linux")
#define AT(name, member, byte) _Static_assert(offsetof(struct name, member) == (byte), "Linux")

SIZE(sctp_initmsg, 8);
AT(sctp_initmsg, sinit_num_ostreams, 0);
AT(sctp_initmsg, sinit_max_instreams, 2);
AT(sctp_initmsg, sinit_max_attempts, 4);
AT(sctp_initmsg, sinit_max_init_timeo, 6);

SIZE(sctp_sndrcvinfo, 32);
AT(sctp_sndrcvinfo, sinfo_stream, 0);
AT(sctp_sndrcvinfo, sinfo_ssn, 2);
AT(sctp_sndrcvinfo, sinfo_flags, 4);
AT(sctp_sndrcvinfo, sinfo_ppid, 8);
AT(sctp_sndrcvinfo, sinfo_context, 12);
AT(sctp_sndrcvinfo, sinfo_timetolive, 16);
AT(sctp_sndrcvinfo, sinfo_tsn, 20);
AT(sctp_sndrcvinfo, sinfo_cumtsn, 24);
AT(sctp_sndrcvinfo, sinfo_assoc_id, 28);

SIZE(sctp_sndinfo, 16);
AT(sctp_sndinfo, snd_sid, 0);
AT(sctp_sndinfo, snd_flags, 2);
AT(sctp_sndinfo, snd_ppid, 4);
AT(sctp_sndinfo, snd_context, 8);
AT(sctp_sndinfo, snd_assoc_id, 12);

SIZE(sctp_rcvinfo, 28);
AT(sctp_rcvinfo, rcv_sid, 0);
AT(sctp_rcvinfo, rcv_ssn, 2);
AT(sctp_rcvinfo, rcv_flags, 4);
AT(sctp_rcvinfo, rcv_ppid, 8);
AT(sctp_rcvinfo, rcv_tsn, 12);
AT(sctp_rcvinfo, rcv_cumtsn, 16);
AT(sctp_rcvinfo, rcv_context, 20);
AT(sctp_rcvinfo, rcv_assoc_id, 24);

SIZE(sctp_nxtinfo, 16);
AT(sctp_nxtinfo, nxt_sid, 0);
AT(sctp_nxtinfo, nxt_flags, 2);
AT(sctp_nxtinfo, nxt_ppid, 4);
AT(sctp_nxtinfo, nxt_length, 8);
AT(sctp_nxtinfo, nxt_assoc_id, 12);

SIZE(sctp_prinfo, 8);
AT(sctp_prinfo, pr_policy, 0);
AT(sctp_prinfo, pr_value, 4);

SIZE(sctp_authinfo, 2);
AT(sctp_authinfo, auth_keynumber, 0);

SIZE(sctp_assoc_change, 20);
AT(sctp_assoc_change, sac_type, 0);
AT(sctp_assoc_change, sac_flags, 2);
AT(sctp_assoc_change, sac_length, 4);
AT(sctp_assoc_change, sac_state, 8);
AT(sctp_assoc_change, sac_error, 10);
AT(sctp_assoc_change, sac_outbound_streams, 12);
AT(sctp_assoc_change, sac_inbound_streams, 14);
AT(sctp_assoc_change, sac_assoc_id, 16);
AT(sctp_assoc_change, sac_info, 20);

SIZE(sctp_paddr_change, 148);
AT(sctp_paddr_change, spc_type, 0);
AT(sctp_paddr_change, spc_flags, 2);
AT(sctp_paddr_change, spc_length, 4);
AT(sctp_paddr_change, spc_aaddr, 8);
AT(sctp_paddr_change, spc_state, 136);
AT(sctp_paddr_change, spc_error, 140);
AT(sctp_paddr_change, spc_assoc_id, 144);

SIZE(sctp_remote_error, 16);
AT(sctp_remote_error, sre_type, 0);
AT(sctp_remote_error, sre_flags, 2);
AT(sctp_remote_error, sre_length, 4);
AT(sctp_remote_error, sre_error, 8);
AT(sctp_remote_error, sre_assoc_id, 12);
AT(sctp_remote_error, sre_data, 16);

SIZE(sctp_send_failed, 48);
AT(sctp_send_failed, ssf_type, 0);
AT(sctp_send_failed, ssf_flags, 2);
AT(sctp_send_failed, ssf_length, 4);
AT(sctp_send_failed, ssf_error, 8);
AT(sctp_send_failed, ssf_info, 12);
AT(sctp_send_failed, ssf_assoc_id, 44);
AT(sctp_send_failed, ssf_data, 48);

SIZE(sctp_send_failed_event, 32);
AT(sctp_send_failed_event, ssf_type, 0);
AT(sctp_send_failed_event, ssf_flags, 2);
AT(sctp_send_failed_event, ssf_length, 4);
AT(sctp_send_failed_event, ssf_error, 8);
AT(sctp_send_failed_event, ssfe_info, 12);
AT(sctp_send_failed_event, ssf_assoc_id, 28);
AT(sctp_send_failed_event, ssf_data, 32);

SIZE(sctp_shutdown_event, 12);
AT(sctp_shutdown_event, sse_type, 0);
AT(sctp_shutdown_event, sse_flags, 2);
AT(sctp_shutdown_event, sse_length, 4);
AT(sctp_shutdown_event, sse_assoc_id, 8);

SIZE(sctp_adaptation_event, 16);
AT(sctp_adaptation_event, sai_type, 0);
AT(sctp_adaptation_event, sai_flags, 2);
AT(sctp_adaptation_event, sai_length, 4);
AT(sctp_adaptation_event, sai_adaptation_ind, 8);
AT(sctp_adaptation_event, sai_assoc_id, 12);

SIZE(sctp_pdapi_event, 24);
AT(sctp_pdapi_event, pdapi_type, 0);
AT(sctp_pdapi_event, pdapi_flags, 2);
AT(sctp_pdapi_event, pdapi_length, 4);
AT(sctp_pdapi_event, pdapi_indication, 8);
AT(sctp_pdapi_event, pdapi_assoc_id, 12);
AT(sctp_pdapi_event, pdapi_stream, 16);
AT(sctp_pdapi_event, pdapi_seq, 20);

SIZE(sctp_authkey_event, 20);
AT(sctp_authkey_event, auth_type, 0);
AT(sctp_authkey_event, auth_flags, 2);
AT(sctp_authkey_event, auth_length, 4);
AT(sctp_authkey_event, auth_keynumber, 8);
AT(sctp_authkey_event, auth_altkeynumber, 10);
AT(sctp_authkey_event, auth_indication, 12);
AT(sctp_authkey_event, auth_assoc_id, 16);

SIZE(sctp_sender_dry_event, 12);
AT(sctp_sender_dry_event, sender_dry_type, 0);
AT(sctp_sender_dry_event, sender_dry_flags, 2);
AT(sctp_sender_dry_event, sender_dry_length, 4);
AT(sctp_sender_dry_event, sender_dry_assoc_id, 8);

SIZE(sctp_stream_reset_event, 12);
AT(sctp_stream_reset_event, strreset_type, 0);
AT(sctp_stream_reset_event, strreset_flags, 2);
AT(sctp_stream_reset_event, strreset_length, 4);
AT(sctp_stream_reset_event, strreset_assoc_id, 8);
AT(sctp_stream_reset_event, strreset_stream_list, 12);

SIZE(sctp_assoc_reset_event, 20);
AT(sctp_assoc_reset_event, assocreset_type, 0);
AT(sctp_assoc_reset_event, assocreset_flags, 2);
AT(sctp_assoc_reset_event, assocreset_length, 4);
AT(sctp_assoc_reset_event, assocreset_assoc_id, 8);
AT(sctp_assoc_reset_event, assocreset_local_tsn, 12);
AT(sctp_assoc_reset_event, assocreset_remote_tsn, 16);

SIZE(sctp_stream_change_event, 16);
AT(sctp_stream_change_event, strchange_type, 0);
AT(sctp_stream_change_event, strchange_flags, 2);
AT(sctp_stream_change_event, strchange_length, 4);
AT(sctp_stream_change_event, strchange_assoc_id, 8);
AT(sctp_stream_change_event, strchange_instrms, 12);
AT(sctp_stream_change_event, strchange_outstrms, 14);

SIZE(sctp_event_subscribe, 14);
AT(sctp_event_subscribe, sctp_data_io_event, 0);
AT(sctp_event_subscribe, sctp_association_event, 1);
AT(sctp_event_subscribe, sctp_address_event, 2);
AT(sctp_event_subscribe, sctp_send_failure_event, 3);
AT(sctp_event_subscribe, sctp_peer_error_event, 4);
AT(sctp_event_subscribe, sctp_shutdown_event, 5);
AT(sctp_event_subscribe, sctp_partial_delivery_event, 6);
AT(sctp_event_subscribe, sctp_adaptation_layer_event, 7);
AT(sctp_event_subscribe, sctp_authentication_event, 8);
AT(sctp_event_subscribe, sctp_sender_dry_event, 9);
AT(sctp_event_subscribe, sctp_stream_reset_event, 10);
AT(sctp_event_subscribe, sctp_assoc_reset_event, 11);
AT(sctp_event_subscribe, sctp_stream_change_event, 12);
AT(sctp_event_subscribe, sctp_send_failure_event_event, 13);

SIZE(sctp_rtoinfo, 16);
AT(sctp_rtoinfo, srto_assoc_id, 0);
AT(sctp_rtoinfo, srto_initial, 4);
AT(sctp_rtoinfo, srto_max, 8);
AT(sctp_rtoinfo, srto_min, 12);

SIZE(sctp_assocparams, 20);
AT(sctp_assocparams, sasoc_assoc_id, 0);
AT(sctp_assocparams, sasoc_asocmaxrxt, 4);
AT(sctp_assocparams, sasoc_number_peer_destinations, 6);
AT(sctp_assocparams, sasoc_peer_rwnd, 8);
AT(sctp_assocparams, sasoc_local_rwnd, 12);
AT(sctp_assocparams, sasoc_cookie_life, 16);

SIZE(sctp_setpeerprim, 132);
AT(sctp_setpeerprim, sspp_assoc_id, 0);
AT(sctp_setpeerprim, sspp_addr, 4);

SIZE(sctp_prim, 132);
AT(sctp_prim, ssp_assoc_id, 0);
AT(sctp_prim, ssp_addr, 4);

SIZE(sctp_setadaptation, 4);
AT(sctp_setadaptation, ssb_adaptation_ind, 0);

SIZE(sctp_paddrparams, 156);
AT(sctp_paddrparams, spp_assoc_id, 0);
AT(sctp_paddrparams, spp_address, 4);
AT(sctp_paddrparams, spp_hbinterval, 132);
AT(sctp_paddrparams, spp_pathmaxrxt, 136);
AT(sctp_paddrparams, spp_pathmtu, 138);
AT(sctp_paddrparams, spp_sackdelay, 142);
AT(sctp_paddrparams, spp_flags, 146);
AT(sctp_paddrparams, spp_ipv6_flowlabel, 150);
AT(sctp_paddrparams, spp_dscp, 154);

SIZE(sctp_authchunk, 1);
AT(sctp_authchunk, sauth_chunk, 0);

SIZE(sctp_hmacalgo, 4);
AT(sctp_hmacalgo, shmac_num_idents, 0);
AT(sctp_hmacalgo, shmac_idents, 4);

SIZE(sctp_authkey, 8);
AT(sctp_authkey, sca_assoc_id, 0);
AT(sctp_authkey, sca_keynumber, 4);
AT(sctp_authkey, sca_keylength, 6);
AT(sctp_authkey, sca_key, 8);

SIZE(sctp_authkeyid, 8);
AT(sctp_authkeyid, scact_assoc_id, 0);
AT(sctp_authkeyid, scact_keynumber, 4);

SIZE(sctp_sack_info, 12);
AT(sctp_sack_info, sack_assoc_id, 0);
AT(sctp_sack_info, sack_delay, 4);
AT(sctp_sack_info, sack_freq, 8);

SIZE(sctp_assoc_value, 8);
AT(sctp_assoc_value, assoc_id, 0);
AT(sctp_assoc_value, assoc_value, 4);

SIZE(sctp_stream_value, 8);
AT(sctp_stream_value, assoc_id, 0);
AT(sctp_stream_value, stream_id, 4);
AT(sctp_stream_value, stream_value, 6);

SIZE(sctp_paddrinfo, 152);
AT(sctp_paddrinfo, spinfo_assoc_id, 0);
AT(sctp_paddrinfo, spinfo_address, 4);
AT(sctp_paddrinfo, spinfo_state, 132);
AT(sctp_paddrinfo, spinfo_cwnd, 136);
AT(sctp_paddrinfo, spinfo_srtt, 140);
AT(sctp_paddrinfo, spinfo_rto, 144);
AT(sctp_paddrinfo, spinfo_mtu, 148);

SIZE(sctp_status, 176);
AT(sctp_status, sstat_assoc_id, 0);
AT(sctp_status, sstat_state, 4);
AT(sctp_status, sstat_rwnd, 8);
AT(sctp_status, sstat_unackdata, 12);
AT(sctp_status, sstat_penddata, 14);
AT(sctp_status, sstat_instrms, 16);
AT(sctp_status, sstat_outstrms, 18);
AT(sctp_status, sstat_fragmentation_point, 20);
AT(sctp_status, sstat_primary, 24);

SIZE(sctp_authchunks, 8);
AT(sctp_authchunks, gauth_assoc_id, 0);
AT(sctp_authchunks, gauth_number_of_chunks, 4);
AT(sctp_authchunks, gauth_chunks, 8);

SIZE(sctp_assoc_ids, 4);
AT(sctp_assoc_ids, gaids_number_of_ids, 0);
AT(sctp_assoc_ids, gaids_assoc_id, 4);

SIZE(sctp_getaddrs, 8);
AT(sctp_getaddrs, assoc_id, 0);
AT(sctp_getaddrs, addr_num, 4);
AT(sctp_getaddrs, addrs, 8);

SIZE(sctp_default_prinfo, 12);
AT(sctp_default_prinfo, pr_assoc_id, 0);
AT(sctp_default_prinfo, pr_value, 4);
AT(sctp_default_prinfo, pr_policy, 8);

SIZE(sctp_reset_streams, 8);
AT(sctp_reset_streams, srs_assoc_id, 0);
AT(sctp_reset_streams, srs_flags, 4);
AT(sctp_reset_streams, srs_number_streams, 6);
AT(sctp_reset_streams, srs_stream_list, 8);

SIZE(sctp_add_streams, 8);
AT(sctp_add_streams, sas_assoc_id, 0);
AT(sctp_add_streams, sas_instrms, 4);
AT(sctp_add_streams, sas_outstrms, 6);

SIZE(sctp_event, 8);
AT(sctp_event, se_assoc_id, 0);
AT(sctp_event, se_type, 4);
AT(sctp_event, se_on, 6);

_Static_assert(sizeof(sctp_assoc_t) == 4, "Linux");
_Static_assert(sizeof(sctp_peeloff_arg_t) == 8, "Linux");
_Static_assert(offsetof(sctp_peeloff_arg_t, associd) == 0, "Linux");
_Static_assert(offsetof(sctp_peeloff_arg_t, sd) == 4, "Linux");
_Static_assert(sizeof(sctp_peeloff_flags_arg_t) == 12, "Linux");
_Static_assert(offsetof(sctp_peeloff_flags_arg_t, flags) == 8, "Linux");

/* What is aligned as a pointer or a 64-bit number is. */
#if defined(__LP64__)

SIZE(sctp_getaddrs_old, 16);
AT(sctp_getaddrs_old, assoc_id, 0);
AT(sctp_getaddrs_old, addr_num, 4);
AT(sctp_getaddrs_old, addrs, 8);

SIZE(sctp_assoc_stats, 256);
AT(sctp_assoc_stats, sas_assoc_id, 0);
AT(sctp_assoc_stats, sas_obs_rto_ipaddr, 8);
AT(sctp_assoc_stats, sas_maxrto, 136);
AT(sctp_assoc_stats, sas_isacks, 144);
AT(sctp_assoc_stats, sas_osacks, 152);
AT(sctp_assoc_stats, sas_opackets, 160);
AT(sctp_assoc_stats, sas_ipackets, 168);
AT(sctp_assoc_stats, sas_rtxchunks, 176);
AT(sctp_assoc_stats, sas_outofseqtsns, 184);
AT(sctp_assoc_stats, sas_idupchunks, 192);
AT(sctp_assoc_stats, sas_gapcnt, 200);
AT(sctp_assoc_stats, sas_ouodchunks, 208);
AT(sctp_assoc_stats, sas_iuodchunks, 216);
AT(sctp_assoc_stats, sas_oodchunks, 224);
AT(sctp_assoc_stats, sas_iodchunks, 232);
AT(sctp_assoc_stats, sas_octrlchunks, 240);
AT(sctp_assoc_stats, sas_ictrlchunks, 248);

SIZE(sctp_paddrthlds, 144);
AT(sctp_paddrthlds, spt_assoc_id, 0);
AT(sctp_paddrthlds, spt_address, 8);
AT(sctp_paddrthlds, spt_pathmaxrxt, 136);
AT(sctp_paddrthlds, spt_pathpfthld, 138);

SIZE(sctp_paddrthlds_v2, 144);
AT(sctp_paddrthlds_v2, spt_assoc_id, 0);
AT(sctp_paddrthlds_v2, spt_address, 8);
AT(sctp_paddrthlds_v2, spt_pathmaxrxt, 136);
AT(sctp_paddrthlds_v2, spt_pathpfthld, 138);
AT(sctp_paddrthlds_v2, spt_pathcpthld, 140);

SIZE(sctp_prstatus, 24);
AT(sctp_prstatus, sprstat_assoc_id, 0);
AT(sctp_prstatus, sprstat_sid, 4);
AT(sctp_prstatus, sprstat_policy, 6);
AT(sctp_prstatus, sprstat_abandoned_unsent, 8);
AT(sctp_prstatus, sprstat_abandoned_sent, 16);

SIZE(sctp_udpencaps, 144);
AT(sctp_udpencaps, sue_assoc_id, 0);
AT(sctp_udpencaps, sue_address, 8);
AT(sctp_udpencaps, sue_port, 136);

SIZE(sctp_probeinterval, 144);
AT(sctp_probeinterval, spi_assoc_id, 0);
AT(sctp_probeinterval, spi_address, 8);
AT(sctp_probeinterval, spi_interval, 136);

#endif

#undef SIZE
#undef AT

#endif
