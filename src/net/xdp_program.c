/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Assembling, loading and attaching the program (see xdp_program.h; bpf(2)). What changes, the
 * ports and the interface's address, is in a page that program and process have in common, so that
 * changing it needs no privilege; the host's addresses are in a hash map.
 *
 * The program's registers: 6 the context, 7 the frame, 8 its end, 9 that page, 5 the port. Offsets
 * into packets: RFC 894, RFC 791 3.1, RFC 8200 3, RFC 9260 3.1.
 */
#include "net/xdp_program.h"

#include "core/addr.h"
#include "net/high_number.h"
#include "net/port_claim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    MAX_INSTRUCTIONS = 96,
    PORT_BYTES = 65536 / 8,
    KEY_BYTES = 16, /* an IPv6 address, or ::ffff: and an IPv4 one */
    COMMON_HEADER_BYTES = 12,
    IPV4_AT = ETHER_FRAME_LINK_BYTES,
    IPV6_AT = ETHER_FRAME_LINK_BYTES,
    IPV4_END = IPV4_AT + 20,
    IPV6_END = IPV6_AT + 40,
    TYPE_IPV4 = 0x0800,
    TYPE_IPV6 = 0x86dd,
    PROTOCOL_SCTP = 132,
};

/* What program and process share. */
struct page {
    uint8_t ports[PORT_BYTES]; /* bit p % 8 of byte p / 8 */
    uint8_t mac[8];            /* in the first six */
};

struct xdp_program {
    int page_fd, addresses_fd, sockets_fd, program_fd, link_fd;
    struct page *page;
    size_t address_count;
    uint8_t addresses[XDP_PROGRAM_MAX_ADDRESSES][KEY_BYTES]; /* in the map */
};

/* ---- assembling ------------------------------------------------------------------------------ */

struct assembler {
    struct bpf_insn code[MAX_INSTRUCTIONS];
    size_t count;
};

#define TO_PASS INT16_MAX /* an offset that is not known yet: to where XDP_PASS is returned */

struct operands {
    unsigned destination, source;
    int offset;
    int32_t immediate;
};

static void put(struct assembler *a, unsigned code, struct operands o) {
    if (a->count < MAX_INSTRUCTIONS)
        a->code[a->count++] = (struct bpf_insn){.code = (uint8_t)code,
                                                .dst_reg = o.destination & 0xf,
                                                .src_reg = o.source & 0xf,
                                                .off = (int16_t)o.offset,
                                                .imm = o.immediate};
}

static void load(struct assembler *a, unsigned size, unsigned to, unsigned from, int offset) {
    put(a, BPF_LDX | BPF_MEM | size, (struct operands){to, from, offset, 0});
}

/* Onto the stack. */
static void store(struct assembler *a, unsigned size, int offset, unsigned from) {
    put(a, BPF_STX | BPF_MEM | size, (struct operands){BPF_REG_10, from, offset, 0});
}

static void store_value(struct assembler *a, unsigned size, int offset, uint32_t value) {
    put(a, BPF_ST | BPF_MEM | size, (struct operands){BPF_REG_10, 0, offset, (int32_t)value});
}

static void move(struct assembler *a, unsigned to, unsigned from) {
    put(a, BPF_ALU64 | BPF_MOV | BPF_X, (struct operands){to, from, 0, 0});
}

static void apply(struct assembler *a, unsigned operation, unsigned to, int32_t value) {
    put(a, BPF_ALU64 | operation | BPF_K, (struct operands){to, 0, 0, value});
}

static void apply_register(struct assembler *a, unsigned operation, unsigned to, unsigned from) {
    put(a, BPF_ALU64 | operation | BPF_X, (struct operands){to, from, 0, 0});
}

/* The kernel gets the frame if the register compares so with a value of 32 bits. */
static void pass_if(struct assembler *a, unsigned comparison, unsigned what, uint32_t value) {
    put(a, BPF_JMP32 | comparison | BPF_K, (struct operands){what, 0, TO_PASS, (int32_t)value});
}

static void pass_if_register(struct assembler *a, unsigned comparison, unsigned what,
                             unsigned with) {
    put(a, BPF_JMP | comparison | BPF_X, (struct operands){what, with, TO_PASS, 0});
}

/* Returns what land_here is told of. */
static size_t jump_if_equal(struct assembler *a, unsigned what, uint32_t value) {
    put(a, BPF_JMP32 | BPF_JEQ | BPF_K, (struct operands){what, 0, 0, (int32_t)value});
    return a->count - 1;
}

static size_t jump(struct assembler *a) {
    put(a, BPF_JMP | BPF_JA, (struct operands){0, 0, 0, 0});
    return a->count - 1;
}

static void land_here(struct assembler *a, size_t from) {
    a->code[from].off = (int16_t)(a->count - from - 1);
}

/* kind: BPF_PSEUDO_MAP_FD or BPF_PSEUDO_MAP_VALUE. */
static void load_map(struct assembler *a, unsigned to, unsigned kind, int fd) {
    put(a, BPF_LD | BPF_IMM | BPF_DW, (struct operands){to, kind, 0, fd});
    put(a, 0, (struct operands){0, 0, 0, 0});
}

static void call(struct assembler *a, int32_t function) {
    put(a, BPF_JMP | BPF_CALL, (struct operands){0, 0, 0, function});
}

/* The kernel gets a frame that ends before so many bytes. */
static void pass_if_shorter(struct assembler *a, int32_t bytes) {
    move(a, BPF_REG_2, BPF_REG_7);
    apply(a, BPF_ADD, BPF_REG_2, bytes);
    pass_if_register(a, BPF_JGT, BPF_REG_2, BPF_REG_8);
}

static void look_at_link(struct assembler *a, int page_fd, uint32_t limit_bytes) {
    const int mac = offsetof(struct page, mac);
    move(a, BPF_REG_6, BPF_REG_1);
    load(a, BPF_W, BPF_REG_7, BPF_REG_6, offsetof(struct xdp_md, data));
    load(a, BPF_W, BPF_REG_8, BPF_REG_6, offsetof(struct xdp_md, data_end));
    pass_if_shorter(a, IPV4_END + COMMON_HEADER_BYTES);
    move(a, BPF_REG_2, BPF_REG_7);
    apply(a, BPF_ADD, BPF_REG_2, (int32_t)limit_bytes);
    pass_if_register(a, BPF_JGT, BPF_REG_8, BPF_REG_2);
    load_map(a, BPF_REG_9, BPF_PSEUDO_MAP_VALUE, page_fd);
    for (int i = 0; i < (int)ETHER_FRAME_MAC_BYTES; i += 2) {
        load(a, BPF_H, BPF_REG_2, BPF_REG_7, i);
        load(a, BPF_H, BPF_REG_3, BPF_REG_9, mac + i);
        pass_if_register(a, BPF_JNE, BPF_REG_2, BPF_REG_3);
    }
}

/* Leaves the destination's key on the stack and its port in register 5. */
static void look_at_ipv4(struct assembler *a) {
    load(a, BPF_B, BPF_REG_2, BPF_REG_7, IPV4_AT);
    pass_if(a, BPF_JNE, BPF_REG_2, 0x45); /* version 4, five words */
    load(a, BPF_B, BPF_REG_2, BPF_REG_7, IPV4_AT + 9);
    pass_if(a, BPF_JNE, BPF_REG_2, PROTOCOL_SCTP);
    load(a, BPF_H, BPF_REG_2, BPF_REG_7, IPV4_AT + 6);
    apply(a, BPF_AND, BPF_REG_2, htons(0x3fff));
    pass_if(a, BPF_JNE, BPF_REG_2, 0); /* a fragment */
    store_value(a, BPF_DW, -KEY_BYTES, 0);
    store_value(a, BPF_W, -KEY_BYTES + 8, htonl(0xffff));
    load(a, BPF_W, BPF_REG_2, BPF_REG_7, IPV4_AT + 16);
    store(a, BPF_W, -KEY_BYTES + 12, BPF_REG_2);
    load(a, BPF_H, BPF_REG_5, BPF_REG_7, IPV4_END + 2);
}

static void look_at_ipv6(struct assembler *a) {
    pass_if_shorter(a, IPV6_END + COMMON_HEADER_BYTES);
    load(a, BPF_B, BPF_REG_2, BPF_REG_7, IPV6_AT);
    apply(a, BPF_AND, BPF_REG_2, 0xf0);
    pass_if(a, BPF_JNE, BPF_REG_2, 0x60);
    load(a, BPF_B, BPF_REG_2, BPF_REG_7, IPV6_AT + 6);
    pass_if(a, BPF_JNE, BPF_REG_2, PROTOCOL_SCTP);
    for (int i = 0; i < KEY_BYTES; i += 8) {
        load(a, BPF_DW, BPF_REG_2, BPF_REG_7, IPV6_AT + 24 + i);
        store(a, BPF_DW, -KEY_BYTES + i, BPF_REG_2);
    }
    load(a, BPF_H, BPF_REG_5, BPF_REG_7, IPV6_END + 2);
}

static void look_at_port(struct assembler *a) {
    put(a, BPF_ALU | BPF_END | BPF_TO_BE, (struct operands){BPF_REG_5, 0, 0, 16});
    apply(a, BPF_AND, BPF_REG_5, 0xffff);
    move(a, BPF_REG_2, BPF_REG_5);
    apply(a, BPF_RSH, BPF_REG_2, 3);
    apply_register(a, BPF_ADD, BPF_REG_9, BPF_REG_2);
    load(a, BPF_B, BPF_REG_3, BPF_REG_9, 0);
    apply(a, BPF_AND, BPF_REG_5, 7);
    apply_register(a, BPF_RSH, BPF_REG_3, BPF_REG_5);
    apply(a, BPF_AND, BPF_REG_3, 1);
    pass_if(a, BPF_JEQ, BPF_REG_3, 0);
}

static void look_at_address(struct assembler *a, int addresses_fd) {
    load_map(a, BPF_REG_1, BPF_PSEUDO_MAP_FD, addresses_fd);
    move(a, BPF_REG_2, BPF_REG_10);
    apply(a, BPF_ADD, BPF_REG_2, -KEY_BYTES);
    call(a, BPF_FUNC_map_lookup_elem);
    put(a, BPF_JMP | BPF_JEQ | BPF_K, (struct operands){BPF_REG_0, 0, TO_PASS, 0});
}

static void assemble(struct assembler *a, const struct xdp_program *program, uint32_t limit_bytes) {
    look_at_link(a, program->page_fd, limit_bytes);
    load(a, BPF_H, BPF_REG_2, BPF_REG_7, 12);
    size_t to_ipv6 = jump_if_equal(a, BPF_REG_2, htons(TYPE_IPV6));
    pass_if(a, BPF_JNE, BPF_REG_2, htons(TYPE_IPV4));
    look_at_ipv4(a);
    size_t behind = jump(a);
    land_here(a, to_ipv6);
    look_at_ipv6(a);
    land_here(a, behind);
    look_at_port(a);
    look_at_address(a, program->addresses_fd);
    /* Where the map has no socket, the call returns its third argument. */
    load_map(a, BPF_REG_1, BPF_PSEUDO_MAP_FD, program->sockets_fd);
    load(a, BPF_W, BPF_REG_2, BPF_REG_6, offsetof(struct xdp_md, rx_queue_index));
    apply(a, BPF_MOV, BPF_REG_3, XDP_PASS);
    call(a, BPF_FUNC_redirect_map);
    put(a, BPF_JMP | BPF_EXIT, (struct operands){0, 0, 0, 0});
    for (size_t i = 0; i < a->count; i++)
        if (a->code[i].off == TO_PASS)
            land_here(a, i);
    apply(a, BPF_MOV, BPF_REG_0, XDP_PASS);
    put(a, BPF_JMP | BPF_EXIT, (struct operands){0, 0, 0, 0});
}

/* ---- the kernel ------------------------------------------------------------------------------ */

/* A descriptor or a negative errno; 0 for commands that make none. */
static int ask(int command, union bpf_attr *attributes) {
    long result = syscall(SYS_bpf, command, attributes, sizeof *attributes);
    return result < 0 ? -errno : (int)result;
}

static int ask_descriptor(int command, union bpf_attr *attributes) {
    int fd = ask(command, attributes);
    return fd < 0 ? fd : high_number_move(fd);
}

static int make_map(uint32_t type, uint32_t key_bytes, uint32_t value_bytes, uint32_t entries,
                    uint32_t flags) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.map_type = type;
    attributes.key_size = key_bytes;
    attributes.value_size = value_bytes;
    attributes.max_entries = entries;
    attributes.map_flags = flags;
    return ask_descriptor(BPF_MAP_CREATE, &attributes);
}

static int change_map(int command, int fd, const void *key, const void *value) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.map_fd = (uint32_t)fd;
    attributes.key = (uint64_t)(uintptr_t)key;
    attributes.value = (uint64_t)(uintptr_t)value;
    return ask(command, &attributes);
}

static int make_maps(struct xdp_program *program) {
    program->page_fd = make_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct page), 1, BPF_F_MMAPABLE);
    if (program->page_fd < 0)
        return program->page_fd;
    program->addresses_fd = make_map(BPF_MAP_TYPE_HASH, KEY_BYTES, 4, XDP_PROGRAM_MAX_ADDRESSES, 0);
    if (program->addresses_fd < 0)
        return program->addresses_fd;
    program->sockets_fd = make_map(BPF_MAP_TYPE_XSKMAP, 4, 4, 1, 0);
    if (program->sockets_fd < 0)
        return program->sockets_fd;
    void *page =
        mmap(NULL, sizeof *program->page, PROT_READ | PROT_WRITE, MAP_SHARED, program->page_fd, 0);
    if (page == MAP_FAILED)
        return -errno;
    program->page = page;
    return madvise(page, sizeof *program->page, MADV_DONTFORK) ? -errno : 0;
}

static int load_program(struct xdp_program *program, uint32_t limit_bytes) {
    static const char license[] = "Dual BSD/GPL";
    struct assembler a = {.count = 0};
    union bpf_attr attributes;
    assemble(&a, program, limit_bytes);
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_XDP;
    attributes.expected_attach_type = BPF_XDP;
    attributes.insns = (uint64_t)(uintptr_t)a.code;
    attributes.insn_cnt = (uint32_t)a.count;
    attributes.license = (uint64_t)(uintptr_t)license;
    memcpy(attributes.prog_name, "usctp_receive", sizeof "usctp_receive");
    program->program_fd = ask_descriptor(BPF_PROG_LOAD, &attributes);
    return program->program_fd < 0 ? program->program_fd : 0;
}

/* In the namespace of the interface, whose number it takes. */
static int make_link(void *attributes) {
    return ask_descriptor(BPF_LINK_CREATE, attributes);
}

static int attach(struct xdp_program *program, const struct xdp_program_options *options) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.link_create.prog_fd = (uint32_t)program->program_fd;
    attributes.link_create.target_ifindex = options->interface_index;
    attributes.link_create.attach_type = BPF_XDP;
    attributes.link_create.flags = XDP_FLAGS_SKB_MODE;
    program->link_fd = host_namespace_run(options->ns, make_link, &attributes);
    return program->link_fd < 0 ? program->link_fd : 0;
}

int xdp_program_new(struct xdp_program **out, const struct xdp_program_options *options) {
    struct xdp_program *program = calloc(1, sizeof *program);
    *out = NULL;
    if (!program)
        return -ENOMEM;
    program->page_fd = program->addresses_fd = program->sockets_fd = -1;
    program->program_fd = program->link_fd = -1;
    int error = make_maps(program);
    if (!error)
        error = load_program(program, options->limit_bytes);
    if (!error) {
        xdp_program_set_mac(program, options->mac);
        error = attach(program, options);
    }
    if (error) {
        xdp_program_delete(program);
        return error;
    }
    *out = program;
    return 0;
}

void xdp_program_forget(struct xdp_program *program) {
    if (!program)
        return;
    const int fds[] = {program->link_fd, program->program_fd, program->sockets_fd,
                       program->addresses_fd, program->page_fd};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(program);
}

void xdp_program_delete(struct xdp_program *program) {
    if (program && program->page)
        munmap(program->page, sizeof *program->page);
    xdp_program_forget(program);
}

/* ---- what it lets through -------------------------------------------------------------------- */

int xdp_program_set_socket(struct xdp_program *program, int fd) {
    const uint32_t queue = 0, value = (uint32_t)fd;
    return change_map(BPF_MAP_UPDATE_ELEM, program->sockets_fd, &queue, &value);
}

static void put_byte(uint8_t *at, uint8_t value) {
    __atomic_store_n(at, value, __ATOMIC_RELAXED);
}

void xdp_program_set_ports(struct xdp_program *program, const uint64_t *set) {
    for (size_t i = 0; i < PORT_BYTES; i++)
        put_byte(&program->page->ports[i], (uint8_t)(set[i / 8] >> i % 8 * 8));
}

void xdp_program_set_mac(struct xdp_program *program, const uint8_t mac[ETHER_FRAME_MAC_BYTES]) {
    for (size_t i = 0; i < ETHER_FRAME_MAC_BYTES; i++)
        put_byte(&program->page->mac[i], mac[i]);
}

/* False for what the kernel's IP has to see: from the wire nothing comes to the loopback address,
 * and a link-local one may be that of a VLAN of the interface. */
static bool write_key(uint8_t key[KEY_BYTES], const struct usctp_addr *address) {
    enum addr_scope scope = addr_scope(address);
    if (scope == ADDR_SCOPE_LOOPBACK || !addr_is_unicast(address))
        return false;
    if (address->family == USCTP_FAMILY_IPV6) {
        memcpy(key, address->ipv6, KEY_BYTES);
        return scope != ADDR_SCOPE_LINK_LOCAL;
    }
    memset(key, 0, KEY_BYTES);
    key[10] = key[11] = 0xff;
    memcpy(key + 12, address->ipv4, sizeof address->ipv4);
    return address->family == USCTP_FAMILY_IPV4;
}

static bool has_key(uint8_t keys[][KEY_BYTES], size_t n, const uint8_t *key) {
    for (size_t i = 0; i < n; i++)
        if (memcmp(keys[i], key, KEY_BYTES) == 0)
            return true;
    return false;
}

int xdp_program_set_addresses(struct xdp_program *program,
                              const struct usctp_local_address *addresses, size_t n) {
    uint8_t wanted[XDP_PROGRAM_MAX_ADDRESSES][KEY_BYTES], key[KEY_BYTES];
    const uint32_t value = 1;
    size_t count = 0, kept = 0;
    int error = 0;
    for (size_t i = 0; i < n && count < XDP_PROGRAM_MAX_ADDRESSES; i++)
        if (write_key(key, &addresses[i].address) && !has_key(wanted, count, key))
            memcpy(wanted[count++], key, KEY_BYTES);
    for (size_t i = 0; i < program->address_count; i++) {
        if (!has_key(wanted, count, program->addresses[i]))
            error =
                change_map(BPF_MAP_DELETE_ELEM, program->addresses_fd, program->addresses[i], NULL);
        else
            memmove(program->addresses[kept++], program->addresses[i], KEY_BYTES);
        if (error)
            return error;
    }
    program->address_count = kept;
    for (size_t i = 0; i < count && program->address_count < XDP_PROGRAM_MAX_ADDRESSES; i++) {
        if (has_key(program->addresses, kept, wanted[i]))
            continue;
        /* What cannot be added goes to the kernel. */
        if (change_map(BPF_MAP_UPDATE_ELEM, program->addresses_fd, wanted[i], &value) == 0)
            memcpy(program->addresses[program->address_count++], wanted[i], KEY_BYTES);
    }
    return 0;
}
