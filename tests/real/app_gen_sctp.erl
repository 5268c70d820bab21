%% SPDX-License-Identifier: BSD-3-Clause
%%
%% Erlang's SCTP, both ends: what test_app_erlang.sh runs, unchanged, over usctp and over the Linux
%% kernel's SCTP.  It knows nothing of usctp; it speaks gen_sctp and socket of OTP's kernel application.
%%
%%   server PORT ADDRESS...            a one-to-many gen_sctp socket on PORT that echoes and obeys, and a
%%                                     one-to-one listener of module socket on PORT+1 that echoes
%%   client PORT ADDRESS... - LOCAL... plays every case against that server, then ends it
%%
%% A message with payload protocol 99 is a command to the server, any other one is to be echoed.
%% Each end writes "ok CASE" or "FAILED CASE" lines to its standard error and, last, "all N cases passed";
%% only then is its exit status 0.  Every wait has an end.
-module(app_gen_sctp).
-export([main/0]).
-include_lib("kernel/include/inet_sctp.hrl").

-define(WAIT, 20000). % ms, for anything that the other end is to do
-define(COMMAND, 99).

main() ->
    Status = try
                 case init:get_plain_arguments() of
                     ["server", Port | Addresses] -> server(list_to_integer(Port), ips(Addresses));
                     ["client", Port | Rest] ->
                         {Peers, ["-" | Locals]} = lists:splitwith(fun(A) -> A =/= "-" end, Rest),
                         client(list_to_integer(Port), ips(Peers), ips(Locals))
                 end,
                 verdict()
             catch Class:Reason:Stack ->
                 say("FAILED with ~p: ~p~n~p", [Class, Reason, Stack]),
                 1
             end,
    erlang:halt(Status).

ips(Texts) -> [ip(T) || T <- Texts].
ip(Text) -> {ok, Ip} = inet:parse_address(Text), Ip.
family([Ip | _]) when tuple_size(Ip) =:= 4 -> inet;
family(_) -> inet6.

say(Format, Arguments) -> io:format(standard_error, Format ++ "~n", Arguments).

%% expect(CASE, WANTED, GOT): notes whether a case passed
expect(Case, Same, Same) ->
    put(passed, 1 + case get(passed) of undefined -> 0; N -> N end),
    say("ok ~s", [Case]);
expect(Case, Wanted, Got) ->
    put(failed, true),
    say("FAILED ~s: expected ~0p, got ~0p", [Case, Wanted, Got]).
expect(Case, true) -> expect(Case, true, true);
expect(Case, Other) -> expect(Case, true, Other).

verdict() ->
    case get(failed) of
        undefined -> say("all ~p cases passed", [get(passed)]), 0;
        true -> say("some cases failed", []), 1
    end.

%% until(CASE, FUN): polls until FUN returns true
until(Case, Fun) -> until(Case, Fun, ?WAIT div 20).
until(Case, Fun, Left) ->
    case Fun() of
        true -> expect(Case, true);
        Other when Left =:= 0 -> expect(Case, true, Other);
        _ -> timer:sleep(20), until(Case, Fun, Left - 1)
    end.

all_events() ->
    {sctp_events, #sctp_event_subscribe{data_io_event = true, association_event = true,
                                        address_event = true, send_failure_event = true,
                                        peer_error_event = true, shutdown_event = true,
                                        partial_delivery_event = true,
                                        adaptation_layer_event = true}}.

buffers() -> [{sndbuf, 400000}, {recbuf, 400000}, {buffer, 300000}].

%% adaptation(SOCKET, CODE): the adaptation code that the peer is to be told, none where there is no such thing
adaptation(S, Code) ->
    case inet:setopts(S, [{sctp_adaptation_layer, #sctp_setadaptation{adaptation_ind = Code}}]) of
        ok -> Code;
        {error, Reason} -> say("no adaptation_layer here: ~p", [Reason]), none
    end.

%% both(OWN, PEERS): the code that is to arrive from the peer
both(none, _) -> none;
both(_, Code) -> Code.

%% --- the server ---------------------------------------------------------------------------------------

-record(server, {socket, up = 0, shut = 0, lost = 0, peeled = [], adaptation = none,
                 own_adaptation, wanted_adaptation}).

server(Port, Ips) ->
    Family = family(Ips),
    {ok, S} = gen_sctp:open([binary, Family, {port, Port}, {active, false}, {reuseaddr, true},
                             {type, seqpacket}, all_events(),
                             {sctp_initmsg, #sctp_initmsg{num_ostreams = 10, max_instreams = 6}}
                             | [{ip, Ip} || Ip <- Ips] ++ buffers()]),
    {ok, Names} = inet:socknames(S),
    expect("server: bound to all its addresses", lists:sort([{Ip, Port} || Ip <- Ips]),
           lists:sort(Names)),
    Code = adaptation(S, 16#5e17),
    ok = gen_sctp:listen(S, true),
    Main = self(),
    One = spawn_link(fun() -> one_to_one_server(Main, Family, hd(Ips), Port + 1) end),
    receive {One, listening} -> ok after ?WAIT -> exit(no_listener) end,
    say("ready", []),
    End = serve(#server{socket = S, own_adaptation = Code}),
    [receive {Peeled, ended} -> expect("server: a peeled-off association ended in SHUTDOWN", true)
     after ?WAIT -> expect("server: a peeled-off association ended in SHUTDOWN", false) end
     || Peeled <- End#server.peeled],
    receive {One, served} -> expect("server: one-to-one, module socket", true)
    after ?WAIT -> expect("server: one-to-one, module socket", false) end,
    expect("server: the client's adaptation code",
           both(End#server.own_adaptation, End#server.wanted_adaptation), End#server.adaptation),
    expect("server: an abort by the client shows as comm_lost", End#server.lost >= 1),
    expect("server: shutdowns by the client show as shutdown_comp", End#server.shut >= 2),
    expect("server: close", ok, gen_sctp:close(S)).

serve(#server{socket = S} = State) ->
    case gen_sctp:recv(S, 2 * ?WAIT) of
        {ok, {Ip, Port, [#sctp_sndrcvinfo{ppid = ?COMMAND, assoc_id = A} = Info], Data}}
          when is_binary(Data) ->
            command(Data, Ip, Port, A, Info, State);
        {ok, {_, _, [Info], Data}} when is_binary(Data) ->
            echo(S, Info, Data), serve(State);
        {ok, {_, _, _, Event}} -> serve(note(Event, State));
        {error, {_, _, #sctp_remote_error{} = Event}} -> % as a peer may say about our adaptation code
            say("an error event: ~0p", [Event]), serve(State);
        {error, Reason} -> exit({server, Reason})
    end.

note(#sctp_assoc_change{state = comm_up}, S) -> S#server{up = S#server.up + 1};
note(#sctp_assoc_change{state = shutdown_comp}, S) -> S#server{shut = S#server.shut + 1};
note(#sctp_assoc_change{state = comm_lost}, S) -> S#server{lost = S#server.lost + 1};
note(#sctp_adaptation_event{adaptation_ind = Code}, S) -> S#server{adaptation = Code};
note(_, S) -> S.

echo(S, #sctp_sndrcvinfo{stream = Stream, ppid = Ppid, assoc_id = A, flags = Flags}, Data) ->
    Unordered = [F || F <- Flags, F =:= unordered],
    send(S, #sctp_sndrcvinfo{stream = Stream, ppid = Ppid, assoc_id = A, flags = Unordered}, Data).

%% send(...): gen_sctp never waits for room, it says eagain
send(S, Info, Data) -> send(S, Info, Data, ?WAIT div 5).
send(S, Info, Data, Left) ->
    case gen_sctp:send(S, Info, Data) of
        {error, eagain} when Left > 0 -> timer:sleep(5), send(S, Info, Data, Left - 1);
        Other -> Other
    end.

answer(S, Info, Term) -> ok = echo(S, Info, term_to_binary(Term)).

command(<<"facts">>, Ip, Port, A, Info, #server{socket = S} = State) ->
    {ok, Peers} = inet:peernames(S, A),
    {ok, Names} = inet:socknames(S, A),
    {ok, [{sctp_status, Status}]} = inet:getopts(S, [{sctp_status, #sctp_status{assoc_id = A}}]),
    answer(S, Info, {{Ip, Port}, lists:sort(Peers), lists:sort(Names),
                     Status#sctp_status.state, Status#sctp_status.instrms,
                     Status#sctp_status.outstrms, State#server.own_adaptation}),
    serve(State);
command(<<"peeloff">>, Ip, Port, A, Info, #server{socket = S} = State) ->
    {ok, P} = gen_sctp:peeloff(S, A),
    Main = self(),
    Pid = spawn_link(fun() -> receive go -> peeled_server(Main, P) end end),
    ok = gen_sctp:controlling_process(P, Pid),
    {ok, {Ip, Port}} = inet:peername(P),
    answer(P, Info, peeled),
    Pid ! go,
    serve(State#server{peeled = [Pid | State#server.peeled]});
command(<<"eof">>, _, _, A, _, #server{socket = S} = State) ->
    ok = gen_sctp:eof(S, #sctp_assoc_change{assoc_id = A}),
    serve(State);
command(<<"abort">>, _, _, A, _, #server{socket = S} = State) ->
    ok = gen_sctp:abort(S, #sctp_assoc_change{assoc_id = A}),
    serve(State);
command(<<"quit ", Code/binary>>, _, _, A, Info, #server{socket = S} = State) ->
    answer(S, Info, bye),
    expect("server: eof", ok, gen_sctp:eof(S, #sctp_assoc_change{assoc_id = A})),
    serve_end(A, State#server{wanted_adaptation = binary_to_term(Code)}).

serve_end(A, #server{socket = S} = State) ->
    {ok, {_, _, _, Event}} = gen_sctp:recv(S, ?WAIT),
    case Event of
        #sctp_assoc_change{assoc_id = A} = Change ->
            expect("server: the last association ends", shutdown_comp, Change#sctp_assoc_change.state),
            note(Event, State);
        _ -> serve_end(A, note(Event, State))
    end.

%% peeled_server: on its own socket, in active mode
peeled_server(Main, P) ->
    ok = inet:setopts(P, [{active, once}]),
    receive
        {sctp, P, _, _, {[Info], Data}} when is_binary(Data) ->
            echo(P, Info, <<"peeled:", Data/binary>>), peeled_server(Main, P);
        {sctp, P, _, _, {_, #sctp_assoc_change{state = shutdown_comp}}} ->
            ok = gen_sctp:close(P), Main ! {self(), ended};
        {sctp, P, _, _, {_, _}} -> peeled_server(Main, P)
    after 2 * ?WAIT -> exit(peeled_waits)
    end.

one_to_one_server(Main, Family, Ip, Port) ->
    {ok, L} = socket:open(Family, stream, sctp),
    ok = socket:setopt(L, {sctp, initmsg},
                       #{num_outstreams => 4, max_instreams => 4, max_attempts => 0, max_init_timeo => 0}),
    ok = socket:setopt(L, {sctp, nodelay}, true),
    ok = socket:bind(L, #{family => Family, addr => Ip, port => Port}),
    ok = socket:listen(L, 5),
    Main ! {self(), listening},
    {ok, C} = socket:accept(L, 4 * ?WAIT),
    {ok, #{port := Port}} = socket:sockname(C),
    {ok, #{family := Family}} = socket:peername(C),
    one_to_one_echo(C),
    ok = socket:close(C), ok = socket:close(L),
    Main ! {self(), served}.

one_to_one_echo(C) ->
    case socket:recv(C, 0, ?WAIT) of
        {ok, Data} -> ok = socket:send(C, Data), one_to_one_echo(C);
        {error, closed} -> ok
    end.

%% --- the client ---------------------------------------------------------------------------------------

client(Port, Peers, Locals) ->
    put(adaptation, none),
    S = client_open(Peers, Locals),
    A = client_connect(S, Port, Peers, Locals),
    client_streams(S, A),
    client_options(S, A),
    client_status(S, A, Port, Peers),
    client_primary(S, A, Port, Peers),
    client_large(S, A),
    client_active(S, A),
    client_burst(S, A),
    client_eof(S, A, Port, Peers),
    client_errors(S, Port, Peers),
    client_connectx(S, Port, Peers),
    client_abort(S, Port, Peers),
    client_many(Peers, Port, Locals),
    client_peeloff(S, Port, Peers),
    client_server_peeloff(S, Port, Peers),
    client_one_to_one(Port, Peers, Locals),
    client_stream_to_many(Port, Peers),
    client_quit(S, Port, Peers).

client_open(Peers, Locals) ->
    {ok, S} = gen_sctp:open([binary, family(Peers), {active, false}, {type, seqpacket}, all_events(),
                             {sctp_initmsg, #sctp_initmsg{num_ostreams = 7, max_instreams = 5,
                                                          max_attempts = 4, max_init_timeo = 2000}},
                             {sctp_nodelay, true}, {sctp_autoclose, 0}
                             | [{ip, Ip} || Ip <- Locals] ++ buffers()]),
    put(own_adaptation, adaptation(S, 16#c0de)),
    {ok, Names} = inet:socknames(S),
    expect("open: bound to all its addresses", lists:sort(Locals), lists:sort([I || {I, _} <- Names])),
    {ok, Port} = inet:port(S),
    expect("open: on one port", [Port], lists:usort([P || {_, P} <- Names])),
    expect("open: initmsg as set",
           {ok, [{sctp_initmsg, #sctp_initmsg{num_ostreams = 7, max_instreams = 5, max_attempts = 4,
                                              max_init_timeo = 2000}}]}, inet:getopts(S, [sctp_initmsg])),
    S.

%% the next thing that is data, or an event that is none of an address
next(S) ->
    case gen_sctp:recv(S, ?WAIT) of
        {ok, {_, _, _, #sctp_paddr_change{}}} -> next(S);
        {ok, {_, _, _, #sctp_adaptation_event{adaptation_ind = Code}}} -> put(adaptation, Code), next(S);
        {ok, {_, _, [#sctp_sndrcvinfo{stream = Stream, ppid = Ppid, assoc_id = A}], Data}}
          when is_binary(Data) -> {Stream, Ppid, A, Data};
        {ok, {_, _, _, Event}} -> Event;
        {error, {_, _, #sctp_remote_error{} = Event}} -> say("an error event: ~0p", [Event]), next(S);
        Other -> Other
    end.

state(#sctp_assoc_change{state = State, assoc_id = A}) -> {State, A};
state(Other) -> Other.

%% the change of state of association A, after whatever comes before it
change(S, A) ->
    case next(S) of
        #sctp_assoc_change{assoc_id = A} = Change -> Change#sctp_assoc_change.state;
        #sctp_shutdown_event{} -> change(S, A);
        Other -> Other
    end.

ask(S, A, Command) ->
    ok = send(S, #sctp_sndrcvinfo{stream = 0, ppid = ?COMMAND, assoc_id = A}, Command),
    case next(S) of
        {0, ?COMMAND, A, Answer} -> binary_to_term(Answer);
        Other -> Other
    end.

%% A peeled-off association between the same two ends may still be shutting down: Linux's errno for that.
new_association(S, Ip, Port) -> new_association(S, Ip, Port, ?WAIT div 20).
new_association(S, Ip, Port, Left) ->
    case gen_sctp:connect(S, Ip, Port, [], ?WAIT) of
        {ok, #sctp_assoc_change{state = comm_up, assoc_id = A}} -> A;
        {error, eaddrnotavail} when Left > 0 -> timer:sleep(20), new_association(S, Ip, Port, Left - 1)
    end.

client_connect(S, Port, [Ip | _] = Peers, Locals) ->
    {ok, Up} = gen_sctp:connect(S, Ip, Port, [], ?WAIT),
    expect("connect: comm_up", comm_up, Up#sctp_assoc_change.state),
    %% RFC 9260 5.1.1: the smaller of what one end asks for and the other takes
    expect("connect: streams as negotiated", {6, 5},
           {Up#sctp_assoc_change.outbound_streams, Up#sctp_assoc_change.inbound_streams}),
    A = Up#sctp_assoc_change.assoc_id,
    {{FromIp, FromPort}, ServerSees, ServerHas, State, In, Out, Code} = ask(S, A, <<"facts">>),
    {ok, Mine} = inet:port(S),
    expect("connect: the server sees all our addresses", lists:sort([{I, Mine} || I <- Locals]), ServerSees),
    expect("connect: data came from one of them", lists:member({FromIp, FromPort}, ServerSees)),
    expect("connect: and answers from all of its own", lists:sort([{I, Port} || I <- Peers]), ServerHas),
    expect("connect: established at the server", {established, 6, 5}, {State, In, Out}),
    {ok, Names} = inet:peernames(S, A),
    expect("connect: peernames", ServerHas, lists:sort(Names)),
    {ok, Own} = inet:socknames(S, A),
    expect("connect: socknames of the association", ServerSees, lists:sort(Own)),
    expect("connect: the server's adaptation code", both(get(own_adaptation), Code), get(adaptation)),
    A.

client_streams(S, A) ->
    [begin
         Data = list_to_binary(["stream ", integer_to_list(Stream)]),
         ok = send(S, #sctp_sndrcvinfo{stream = Stream, ppid = 1000 + Stream, assoc_id = A}, Data)
     end || Stream <- lists:seq(0, 4)],
    Got = lists:sort([next(S) || _ <- lists:seq(0, 4)]),
    expect("streams: stream, payload protocol and data come back on all five",
           [{N, 1000 + N, A, list_to_binary(["stream ", integer_to_list(N)])} || N <- lists:seq(0, 4)], Got),
    ok = gen_sctp:send(S, A, 3, <<"by number">>),
    expect("streams: send/4", {3, 0, A, <<"by number">>}, next(S)),
    ok = gen_sctp:send(S, #sctp_assoc_change{assoc_id = A}, 2, <<"by association">>),
    expect("streams: send/4 with an association", {2, 0, A, <<"by association">>}, next(S)),
    ok = gen_sctp:send(S, #sctp_sndrcvinfo{assoc_id = A, stream = 1, flags = [unordered]}, <<"loose">>),
    {ok, {_, _, [#sctp_sndrcvinfo{flags = Flags}], <<"loose">>}} = gen_sctp:recv(S, ?WAIT),
    expect("streams: unordered there and back", [unordered], Flags),
    expect("streams: none beyond those negotiated", {error, einval}, gen_sctp:send(S, A, 6, <<"no">>)),
    ok = gen_sctp:send(S, A, 0, [<<"an ">>, "io", [$l | <<"ist">>]]),
    expect("streams: an iolist", {0, 0, A, <<"an iolist">>}, next(S)).

get_one(S, Option) ->
    case inet:getopts(S, [Option]) of
        {ok, [{_, Value}]} -> Value;
        Other -> Other
    end.
set_one(S, Name, Value) -> inet:setopts(S, [{Name, Value}]).

client_options(S, A) ->
    Rto = #sctp_rtoinfo{assoc_id = A, initial = 700, max = 5000, min = 300},
    expect("options: rtoinfo", {ok, Rto}, {set_one(S, sctp_rtoinfo, Rto),
                                           get_one(S, {sctp_rtoinfo, #sctp_rtoinfo{assoc_id = A}})}),
    expect("options: rtoinfo with max below min", {error, einval},
           set_one(S, sctp_rtoinfo, #sctp_rtoinfo{assoc_id = A, initial = 700, max = 100, min = 300})),
    ok = set_one(S, sctp_associnfo, #sctp_assocparams{assoc_id = A, asocmaxrxt = 6, cookie_life = 30000,
                                                      number_peer_destinations = 0, peer_rwnd = 0,
                                                      local_rwnd = 0}),
    Info = get_one(S, {sctp_associnfo, #sctp_assocparams{assoc_id = A}}),
    expect("options: associnfo", {6, 30000},
           {Info#sctp_assocparams.asocmaxrxt, Info#sctp_assocparams.cookie_life}),
    expect("options: associnfo counts the peer's addresses", length(element(2, inet:peernames(S, A))),
           Info#sctp_assocparams.number_peer_destinations),
    expect("options: nodelay", {true, ok, false}, {get_one(S, sctp_nodelay), set_one(S, sctp_nodelay, false),
                                                   get_one(S, sctp_nodelay)}),
    expect("options: autoclose", {ok, 600, ok}, {set_one(S, sctp_autoclose, 600), get_one(S, sctp_autoclose),
                                                 set_one(S, sctp_autoclose, 0)}),
    expect("options: disable_fragments", {ok, true, ok},
           {set_one(S, sctp_disable_fragments, true), get_one(S, sctp_disable_fragments),
            set_one(S, sctp_disable_fragments, false)}),
    expect("options: maxseg", {ok, 1000, ok}, {set_one(S, sctp_maxseg, 1000), get_one(S, sctp_maxseg),
                                               set_one(S, sctp_maxseg, 0)}),
    get(own_adaptation) =:= none orelse
        expect("options: adaptation_layer", get(own_adaptation),
               (get_one(S, sctp_adaptation_layer))#sctp_setadaptation.adaptation_ind),
    ok = set_one(S, sctp_default_send_param, #sctp_sndrcvinfo{assoc_id = A, stream = 2, ppid = 12, context = 3,
                                                              flags = [unordered]}),
    Default = get_one(S, {sctp_default_send_param, #sctp_sndrcvinfo{assoc_id = A}}),
    expect("options: default_send_param", {2, 12, 3, [unordered]},
           {Default#sctp_sndrcvinfo.stream, Default#sctp_sndrcvinfo.ppid, Default#sctp_sndrcvinfo.context,
            Default#sctp_sndrcvinfo.flags}),
    ok = gen_sctp:send(S, A, 4, <<"by default">>), % takes all but the stream from there
    {ok, {_, _, [#sctp_sndrcvinfo{stream = 4, ppid = Ppid, flags = Flags}], <<"by default">>}} =
        gen_sctp:recv(S, ?WAIT),
    expect("options: and is what send/4 uses", {12, [unordered]}, {Ppid, Flags}),
    ok = set_one(S, sctp_default_send_param, #sctp_sndrcvinfo{assoc_id = A, stream = 0, ppid = 0, context = 0,
                                                              flags = []}),
    {_, Wanted} = all_events(),
    ok = set_one(S, sctp_events, Wanted#sctp_event_subscribe{address_event = false}),
    Events = get_one(S, sctp_events),
    expect("options: events", {true, true, false, true, true},
           {Events#sctp_event_subscribe.data_io_event, Events#sctp_event_subscribe.association_event,
            Events#sctp_event_subscribe.address_event, Events#sctp_event_subscribe.shutdown_event,
            Events#sctp_event_subscribe.adaptation_layer_event}),
    ok = set_one(S, sctp_events, Wanted),
    case inet:peernames(S, A) of
        {ok, [{Ip, _} | _]} when tuple_size(Ip) =:= 8 ->
            expect("options: i_want_mapped_v4_addr", {ok, true},
                   {set_one(S, sctp_i_want_mapped_v4_addr, true), get_one(S, sctp_i_want_mapped_v4_addr)});
        _ -> ok
    end.

path(S, A, Peer) ->
    get_one(S, {sctp_get_peer_addr_info, #sctp_paddrinfo{assoc_id = A, address = Peer}}).

client_status(S, A, Port, Peers) ->
    Status = get_one(S, {sctp_status, #sctp_status{assoc_id = A}}),
    expect("status: state and streams", {established, 5, 6},
           {Status#sctp_status.state, Status#sctp_status.instrms, Status#sctp_status.outstrms}),
    expect("status: nothing pending", 0, Status#sctp_status.penddata),
    expect("status: the peer's window is open", Status#sctp_status.rwnd > 10000),
    Primary = Status#sctp_status.primary,
    expect("status: the primary is what was connected to", {hd(Peers), Port}, Primary#sctp_paddrinfo.address),
    [until(["path info: ", inet:ntoa(Ip), " becomes active"],
           fun() -> (path(S, A, {Ip, Port}))#sctp_paddrinfo.state =:= active end) || Ip <- Peers],
    Info = path(S, A, {hd(Peers), Port}),
    expect("path info: rto within its bounds",
           Info#sctp_paddrinfo.rto >= 300 andalso Info#sctp_paddrinfo.rto =< 5000),
    expect("path info: cwnd and mtu", Info#sctp_paddrinfo.cwnd >= Info#sctp_paddrinfo.mtu andalso
           Info#sctp_paddrinfo.mtu >= 1280),
    Heart = #sctp_paddrparams{assoc_id = A, address = {hd(Peers), Port}, hbinterval = 5500, pathmaxrxt = 3,
                              pathmtu = 0, sackdelay = 0, flags = [hb_enable]},
    ok = set_one(S, sctp_peer_addr_params, Heart),
    Got = get_one(S, {sctp_peer_addr_params, #sctp_paddrparams{assoc_id = A, address = {hd(Peers), Port}}}),
    expect("path info: peer_addr_params of one address", {5500, 3, true},
           {Got#sctp_paddrparams.hbinterval, Got#sctp_paddrparams.pathmaxrxt,
            lists:member(hb_enable, Got#sctp_paddrparams.flags)}),
    expect("path info: heartbeat on demand", ok,
           set_one(S, sctp_peer_addr_params, Heart#sctp_paddrparams{flags = [hb_demand]})).

client_primary(S, A, Port, Peers) ->
    Last = {lists:last(Peers), Port},
    ok = set_one(S, sctp_primary_addr, #sctp_prim{assoc_id = A, addr = Last}),
    Status = get_one(S, {sctp_status, #sctp_status{assoc_id = A}}),
    expect("primary: moved", Last, (Status#sctp_status.primary)#sctp_paddrinfo.address),
    Prim = get_one(S, {sctp_primary_addr, #sctp_prim{assoc_id = A}}),
    expect("primary: and is read back", Last, Prim#sctp_prim.addr),
    ok = gen_sctp:send(S, A, 1, <<"over the other path">>),
    expect("primary: data flow", {1, 0, A, <<"over the other path">>}, next(S)),
    expect("primary: not to an address that the peer has not", {error, einval},
           set_one(S, sctp_primary_addr, #sctp_prim{assoc_id = A, addr = {stranger(Peers), Port}})).

stranger(Peers) ->
    case family(Peers) of inet -> {192, 0, 2, 9}; inet6 -> {16#2001, 16#db8, 0, 0, 0, 0, 0, 9} end.

client_large(S, A) ->
    [begin
         Data = some_bytes(Size),
         ok = send(S, #sctp_sndrcvinfo{stream = 4, ppid = Size, assoc_id = A}, Data),
         {Stream, Ppid, _, Got} = gather(S, A, Size),
         expect(io_lib:format("large: ~p bytes, same sum", [Size]), {4, Size, Size, erlang:md5(Data)},
                {Stream, Ppid, byte_size(Got), erlang:md5(Got)})
     end || Size <- [1, 1452, 1500, 9000, 65535, 65536, 100000, 180000]].

%% gather: a message may come in pieces when it is delivered before it is complete
gather(S, A, Size) -> gather(S, A, Size, <<>>).
gather(S, A, Size, Sofar) ->
    case next(S) of
        {Stream, Ppid, A, Data} when byte_size(Sofar) + byte_size(Data) >= Size ->
            {Stream, Ppid, A, <<Sofar/binary, Data/binary>>};
        {_, _, A, Data} -> gather(S, A, Size, <<Sofar/binary, Data/binary>>);
        Other -> {Other, none, A, Sofar}
    end.

some_bytes(Size) ->
    _ = rand:seed(exsss, {1, 2, Size}),
    rand:bytes(Size).

client_active(S, A) ->
    ok = gen_sctp:send(S, A, 0, <<"once">>),
    ok = inet:setopts(S, [{active, once}]),
    expect("active: once", <<"once">>, active_data(S, A, once)),
    expect("active: then passive", {ok, [{active, false}]}, inet:getopts(S, [active])),
    ok = inet:setopts(S, [{active, 3}]),
    [ok = gen_sctp:send(S, A, 0, <<N>>) || N <- [1, 2, 3, 4]],
    expect("active: three", [<<1>>, <<2>>, <<3>>], [active_data(S, A, no) || _ <- [1, 2, 3]]),
    expect("active: and told that it is passive again", passive,
           receive {sctp_passive, S} -> passive after ?WAIT -> none end),
    expect("active: the fourth by recv", {0, 0, A, <<4>>}, next(S)),
    ok = inet:setopts(S, [{active, true}]),
    ok = gen_sctp:send(S, A, 0, <<"always">>),
    expect("active: always", <<"always">>, active_data(S, A, no)),
    ok = inet:setopts(S, [{active, false}]).

%% active_data: what the next message to the process holds; an address event uses up an "once"
active_data(S, A, Renew) ->
    receive
        {sctp, S, _, _, {_, #sctp_paddr_change{}}} ->
            Renew =/= once orelse (ok = inet:setopts(S, [{active, once}])),
            active_data(S, A, Renew);
        {sctp, S, _, _, {[#sctp_sndrcvinfo{assoc_id = A}], Data}} -> Data
    after ?WAIT -> none
    end.

%% client_burst: many messages on five streams, up to 40 of them on their way; each stream keeps its order
client_burst(S, A) ->
    ok = inet:setopts(S, [{active, true}]),
    Count = 3000,
    Got = burst(S, A, 0, 0, Count, #{}),
    ok = inet:setopts(S, [{active, false}]),
    expect("burst: every message of all five streams, each stream in order",
           [{Stream, Count div 5} || Stream <- [0, 1, 2, 3, 4]], lists:sort(maps:to_list(Got))).

burst(_, _, _, Count, Count, Next) -> Next;
burst(S, A, Sent, Received, Count, Next) when Sent < Count, Sent - Received < 40 ->
    Message = <<(Sent div 5):32, 0:(8 * (Sent rem 1300))>>,
    ok = send(S, #sctp_sndrcvinfo{stream = Sent rem 5, ppid = 5, assoc_id = A}, Message),
    burst(S, A, Sent + 1, Received, Count, Next);
burst(S, A, Sent, Received, Count, Next) ->
    receive
        {sctp, S, _, _, {[#sctp_sndrcvinfo{stream = Stream}], <<Number:32, _/binary>>}} ->
            Number = maps:get(Stream, Next, 0),
            burst(S, A, Sent, Received + 1, Count, Next#{Stream => Number + 1});
        {sctp, S, _, _, {_, #sctp_paddr_change{}}} -> burst(S, A, Sent, Received, Count, Next)
    after ?WAIT -> #{sent => Sent, received => Received}
    end.

client_eof(S, A, Port, [Ip | _]) ->
    expect("eof: by us", ok, gen_sctp:eof(S, #sctp_assoc_change{assoc_id = A})),
    expect("eof: shutdown_comp", {shutdown_comp, A}, state(next(S))),
    B = new_association(S, Ip, Port),
    ok = send(S, #sctp_sndrcvinfo{stream = 0, ppid = ?COMMAND, assoc_id = B}, <<"eof">>),
    expect("eof: by the server, told first", #sctp_shutdown_event{assoc_id = B}, next(S)),
    expect("eof: and shutdown_comp", {shutdown_comp, B}, state(next(S))).

client_errors(S, Port, [Ip | _]) ->
    Refused = gen_sctp:connect(S, Ip, Port + 9, [], ?WAIT),
    expect("errors: a port on which nobody listens", {error, cant_assoc},
           case Refused of {error, #sctp_assoc_change{state = State}} -> {error, State}; _ -> Refused end),
    expect("errors: send to an association that is not", {error, epipe}, % Linux's errno
           gen_sctp:send(S, 54321, 0, <<"who">>)),
    expect("errors: a closed socket", {error, closed},
           begin {ok, C} = gen_sctp:open(), ok = gen_sctp:close(C), gen_sctp:recv(C, 100) end),
    A = new_association(S, Ip, Port),
    expect("errors: connected already", {error, eisconn}, gen_sctp:connect(S, Ip, Port, [], ?WAIT)),
    expect("errors: recv's time runs out", {error, timeout}, quiet(S)),
    ok = gen_sctp:eof(S, #sctp_assoc_change{assoc_id = A}),
    expect("errors: after which all goes on", {shutdown_comp, A}, state(next(S))).

quiet(S) ->
    case gen_sctp:recv(S, 50) of
        {ok, {_, _, _, #sctp_paddr_change{}}} -> quiet(S);
        {ok, {_, _, _, #sctp_adaptation_event{}}} -> quiet(S);
        Other -> Other
    end.

client_connectx(S, Port, Peers) ->
    {ok, A} = gen_sctp:connectx_init(S, Peers, Port, []),
    expect("connectx: comes up under the id that it gave", {comm_up, A}, state(next(S))),
    {ok, Names} = inet:peernames(S, A),
    expect("connectx: all addresses", lists:sort([{Ip, Port} || Ip <- Peers]), lists:sort(Names)),
    ok = gen_sctp:send(S, A, 0, <<"x">>),
    expect("connectx: data", {0, 0, A, <<"x">>}, next(S)),
    ok = gen_sctp:eof(S, #sctp_assoc_change{assoc_id = A}),
    expect("connectx: ends", {shutdown_comp, A}, state(next(S))),
    expect("connect_init: returns at once", ok, gen_sctp:connect_init(S, lists:last(Peers), Port, [])),
    {comm_up, B} = state(next(S)),
    ok = gen_sctp:eof(S, #sctp_assoc_change{assoc_id = B}),
    expect("connect_init: ends", {shutdown_comp, B}, state(next(S))).

client_abort(S, Port, [Ip | _]) ->
    A = new_association(S, Ip, Port),
    ok = gen_sctp:send(S, A, 0, <<"soon to be aborted">>),
    expect("abort: data before it", {0, 0, A, <<"soon to be aborted">>}, next(S)),
    expect("abort: by us", ok, gen_sctp:abort(S, #sctp_assoc_change{assoc_id = A})),
    expect("abort: comm_lost here as well", {comm_lost, A}, state(next(S))),
    B = new_association(S, Ip, Port),
    ok = send(S, #sctp_sndrcvinfo{stream = 0, ppid = ?COMMAND, assoc_id = B}, <<"abort">>),
    expect("abort: by the server", {comm_lost, B}, state(next(S))).

%% client_many: forty associations of as many sockets at once, some of them bound to all addresses
client_many(Peers, Port, Locals) ->
    Sockets = [begin
                   {ok, S} = gen_sctp:open([binary, family(Peers), {active, false} |
                                            case N rem 2 of 0 -> [{ip, I} || I <- Locals]; 1 -> [] end]),
                   {S, lists:nth(1 + N rem length(Peers), Peers)}
               end || N <- lists:seq(1, 40)],
    [ok = gen_sctp:connect_init(S, Ip, Port, []) || {S, Ip} <- Sockets],
    Up = [{S, A} || {S, _} <- Sockets, {comm_up, A} <- [state(next(S))]],
    expect("many: forty associations come up", 40, length(Up)),
    [ok = gen_sctp:send(S, A, 0, term_to_binary(S)) || {S, A} <- Up],
    expect("many: each gets its own echo", Up,
           [{S, A} || {S, A} <- Up, {0, 0, A, term_to_binary(S)} =:= next(S)]),
    expect("many: closed", [ok], lists:usort([gen_sctp:close(S) || {S, _} <- Up])).

client_peeloff(S, Port, [Ip | _]) ->
    A = new_association(S, Ip, Port),
    {ok, T} = gen_sctp:open([binary, family([Ip]), {active, false}]),
    B = new_association(T, Ip, Port),
    {ok, P} = gen_sctp:peeloff(S, A),
    ok = inet:setopts(P, [{active, false}]),
    expect("peeloff: its peer", {ok, {Ip, Port}}, inet:peername(P)),
    ok = gen_sctp:send(P, A, 1, <<"on its own">>),
    expect("peeloff: echo on the new socket", {1, 0, A, <<"on its own">>}, next(P)),
    expect("peeloff: the association has left the old one", {error, epipe},
           gen_sctp:send(S, A, 1, <<"no longer">>)),
    ok = gen_sctp:send(T, B, 0, <<"meanwhile">>),
    expect("peeloff: another socket is not concerned", {0, 0, B, <<"meanwhile">>}, next(T)),
    ok = gen_sctp:close(T),
    {Pid, Monitor} = spawn_monitor(fun() -> receive go -> exit(next(P)) after ?WAIT -> exit(late) end end),
    expect("peeloff: handed to another process", ok, gen_sctp:controlling_process(P, Pid)),
    ok = gen_sctp:send(P, A, 2, <<"for whom">>),
    Pid ! go,
    expect("peeloff: which receives", {2, 0, A, <<"for whom">>},
           receive {'DOWN', Monitor, process, Pid, Reason} -> Reason after ?WAIT -> none end).

client_server_peeloff(S, Port, [Ip | _]) ->
    A = new_association(S, Ip, Port),
    expect("peeloff by the server: told on the new socket", peeled, ask(S, A, <<"peeloff">>)),
    ok = gen_sctp:send(S, A, 1, <<"hello">>),
    expect("peeloff by the server: its process answers", {1, 0, A, <<"peeled:hello">>}, next(S)),
    ok = gen_sctp:eof(S, #sctp_assoc_change{assoc_id = A}),
    expect("peeloff by the server: ends", {shutdown_comp, A}, state(next(S))).

%% client_one_to_one: gen_sctp's type stream against a listener of module socket
client_one_to_one(Port, [Ip | _] = Peers, Locals) ->
    {ok, S} = gen_sctp:open([binary, family(Peers), {active, false}, {type, stream}, all_events(),
                             {sctp_initmsg, #sctp_initmsg{num_ostreams = 9, max_instreams = 9}}
                             | [{ip, I} || I <- Locals]]),
    {ok, #sctp_assoc_change{assoc_id = A} = Up} = gen_sctp:connect(S, Ip, Port + 1, [], ?WAIT),
    expect("one-to-one: comm_up and streams", {comm_up, 4, 4},
           {Up#sctp_assoc_change.state, Up#sctp_assoc_change.outbound_streams,
            Up#sctp_assoc_change.inbound_streams}),
    {ok, Names} = inet:peernames(S, A), % inet:peername/1 is for peeled-off ones only, OTP says enotconn
    expect("one-to-one: peernames", lists:member({Ip, Port + 1}, Names)),
    [begin
         ok = gen_sctp:send(S, A, Stream, <<"round ", Stream>>),
         expect("one-to-one: echo", {0, 0, A, <<"round ", Stream>>}, next(S))
     end || Stream <- [0, 1, 3]],
    Status = get_one(S, {sctp_status, #sctp_status{assoc_id = A}}),
    expect("one-to-one: status", established, Status#sctp_status.state),
    expect("one-to-one: close", ok, gen_sctp:close(S)).

%% client_stream_to_many: type stream against the one-to-many server
client_stream_to_many(Port, [Ip | _] = Peers) ->
    {ok, S} = gen_sctp:open([binary, family(Peers), {active, false}, {type, stream}, all_events()]),
    {ok, #sctp_assoc_change{state = comm_up, assoc_id = A}} = gen_sctp:connect(S, Ip, Port, [], ?WAIT),
    expect("one-to-one to one-to-many: peeled off there", peeled, ask(S, A, <<"peeloff">>)),
    ok = gen_sctp:send(S, A, 0, <<"1:1">>),
    expect("one-to-one to one-to-many: echo", {0, 0, A, <<"peeled:1:1">>}, next(S)),
    case gen_sctp:eof(S, #sctp_assoc_change{assoc_id = A}) of
        ok -> expect("one-to-one to one-to-many: eof", shutdown_comp, change(S, A));
        %% RFC 6458 5.3.4 has SCTP_EOF for every socket, Linux not for one-to-one ones; OTP has only close
        Refused -> expect("one-to-one to one-to-many: no eof", {error, einval}, Refused)
    end,
    expect("one-to-one to one-to-many: close", ok, gen_sctp:close(S)).

client_quit(S, Port, [Ip | _]) ->
    A = new_association(S, Ip, Port),
    expect("quit: the server says good-bye", bye, ask(S, A, <<"quit ", (term_to_binary(get(own_adaptation)))/binary>>)),
    expect("quit: and shuts down", shutdown_comp, change(S, A)),
    expect("quit: close", ok, gen_sctp:close(S)).
