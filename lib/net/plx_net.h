/* SPDX-License-Identifier: MIT */
/* plx_net.h - headers as they stand on the wire, a bounded parser, builders and
   checksums.  Multi-byte fields are big-endian; plx_be16() and friends convert.
   Functions read only [p, p + len) and never trust a length of the wire beyond it. */
#ifndef PLX_NET_H
#define PLX_NET_H

#include "plx_mbuf.h"

#ifdef __cplusplus
extern "C" {
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
static inline uint16_t plx_be16(uint16_t v) { return __builtin_bswap16(v); }
static inline uint32_t plx_be32(uint32_t v) { return __builtin_bswap32(v); }
static inline uint64_t plx_be64(uint64_t v) { return __builtin_bswap64(v); }
#else
static inline uint16_t plx_be16(uint16_t v) { return v; }
static inline uint32_t plx_be32(uint32_t v) { return v; }
static inline uint64_t plx_be64(uint64_t v) { return v; }
#endif

enum { PLX_ETH_LEN = 14, PLX_VLAN_LEN = 4, PLX_ETH_MIN = 60, PLX_IP4_LEN = 20, PLX_IP6_LEN = 40,
       PLX_UDP_LEN = 8, PLX_TCP_LEN = 20, PLX_ICMP_LEN = 8, PLX_ARP_LEN = 28 };
enum { PLX_ETH_IP4 = 0x0800, PLX_ETH_ARP = 0x0806, PLX_ETH_VLAN = 0x8100, PLX_ETH_IP6 = 0x86dd,
       PLX_ETH_QINQ = 0x88a8 };
enum { PLX_IP_ICMP = 1, PLX_IP_TCP = 6, PLX_IP_UDP = 17, PLX_IP_ICMP6 = 58 }; /* plx_ip4hdr.proto, plx_ip6hdr.next */
enum { PLX_ARP_ETHER = 1 /* htype */, PLX_ARP_REQUEST = 1, PLX_ARP_REPLY = 2 /* op */ };
enum { PLX_ICMP_ECHO_REPLY = 0, PLX_ICMP_UNREACHABLE = 3, PLX_ICMP_ECHO = 8, PLX_ICMP_TIME_EXCEEDED = 11,
       PLX_ICMP6_UNREACHABLE = 1, PLX_ICMP6_TOO_BIG = 2, PLX_ICMP6_TIME_EXCEEDED = 3, PLX_ICMP6_ECHO = 128,
       PLX_ICMP6_ECHO_REPLY = 129, PLX_ICMP6_SOLICIT = 135, PLX_ICMP6_ADVERTISE = 136 }; /* plx_icmphdr.type */

struct plx_ethhdr  { uint8_t dst[6], src[6]; uint16_t type; } __attribute__((packed, aligned(2)));
struct plx_vlanhdr { uint16_t tci, type; } __attribute__((packed, aligned(2)));
struct plx_arphdr  { uint16_t htype, ptype; uint8_t hlen, plen; uint16_t op;
                     uint8_t sha[6], spa[4], tha[6], tpa[4]; } __attribute__((packed, aligned(2)));
struct plx_ip4hdr  { uint8_t ver_ihl, tos; uint16_t len, id, frag; uint8_t ttl, proto; uint16_t csum;
                     uint32_t src, dst; } __attribute__((packed, aligned(2)));
struct plx_ip6hdr  { uint32_t ver_tc_flow; uint16_t len; uint8_t next, hops; uint8_t src[16], dst[16]; }
                     __attribute__((packed, aligned(2)));
struct plx_udphdr  { uint16_t sport, dport, len, csum; } __attribute__((packed, aligned(2)));
struct plx_tcphdr  { uint16_t sport, dport; uint32_t seq, ack; uint8_t off, flags; uint16_t win, csum, urg; }
                     __attribute__((packed, aligned(2)));
struct plx_icmphdr { uint8_t type, code; uint16_t csum; uint16_t id, seq; } __attribute__((packed, aligned(2)));

/* What plx_parse found.  An offset is from the first byte; 0 = not there (l3_off of an IP packet: where it is). */
enum plx_l3 { PLX_L3_NONE, PLX_L3_IP4, PLX_L3_IP6, PLX_L3_ARP };
enum plx_l4 { PLX_L4_NONE, PLX_L4_UDP, PLX_L4_TCP, PLX_L4_ICMP, PLX_L4_ICMP6, PLX_L4_OTHER };
enum plx_parse_err {
	PLX_PARSE_OK, PLX_PARSE_SHORT /* ends within a header */, PLX_PARSE_BAD_VERSION, PLX_PARSE_BAD_LEN /* a length
	field contradicts the bytes */, PLX_PARSE_TOO_DEEP /* more tags or extension headers than the bound */
};
struct plx_pkt {
	uint8_t  l3, l4;        /* enum plx_l3, plx_l4 */
	uint8_t  vlans;         /* tags seen, 0..2 */
	uint8_t  proto;         /* last IP protocol number */
	bool     fragment;      /* any IP fragment; l4 is set only in a first one that holds the header */
	bool     options;       /* IPv4 options or IPv6 extension headers */
	uint16_t vlan[2];       /* TCIs, outer first */
	uint16_t type;          /* innermost EtherType, host order */
	uint16_t l3_off, l4_off, payload_off;
	uint16_t route_off;     /* IPv6 routing header with segments left: the destination is not the final one yet */
	uint32_t payload_len;   /* L4 payload by the packet's own length fields, without Ethernet padding */
	uint32_t l3_len;        /* bytes from l3_off to the end of the IP packet */
};
/* plx_parse reads an Ethernet frame of len bytes at p (at most two tags, eight extension
   headers).  Returns enum plx_parse_err; *k holds what was found up to there. */
PLX_API int plx_parse(struct plx_pkt *k, const void *p, uint32_t len);
/* The same of an IP packet without an Ethernet header: l3_off is 0 then, and type by the IP version. */
PLX_API int plx_parse_ip(struct plx_pkt *k, const void *p, uint32_t len);
/* The one of these that PLX_MBUF_L3 tells, of a chain: headers that cross segments are read from a copy. */
PLX_API int plx_parse_mbuf(struct plx_pkt *k, const struct plx_mbuf *m);

/* ---- checksums: results are ready to store in the header ---- */

/* plx_csum_add adds len bytes to a running one's-complement sum; an odd-length part must be
   the last one.  plx_csum_fold finishes. */
PLX_API uint64_t plx_csum_add(uint64_t sum, const void *p, uint32_t len);
PLX_API uint16_t plx_csum_fold(uint64_t sum);
/* plx_csum_add_mbuf adds len bytes at off of the packet m, or as many as it has; cuts between segments may be
   anywhere.  As with plx_csum_add, an odd-length part must be the last one. */
PLX_API uint64_t plx_csum_add_mbuf(uint64_t sum, const struct plx_mbuf *m, uint32_t off, uint32_t len);
PLX_API uint16_t plx_csum(const void *p, uint32_t len);
/* Of the IPv4 header at p with ihl*4 bytes, its csum field taken as 0. */
PLX_API uint16_t plx_ip4_csum(const struct plx_ip4hdr *h);
/* Sum of the pseudo-header; l4_len in bytes.  Add the L4 bytes, then fold. */
PLX_API uint64_t plx_ip4_pseudo(const struct plx_ip4hdr *h, uint8_t proto, uint32_t l4_len);
PLX_API uint64_t plx_ip6_pseudo(const struct plx_ip6hdr *h, uint8_t proto, uint32_t l4_len);
/* plx_l4_csum: what the UDP/TCP/ICMP/ICMPv6 checksum of the parsed packet at p should be
   (its field taken as 0; UDP's 0 becomes 0xffff).  Behind an IPv6 routing header with segments left (types 0, 2,
   3 and 4) the pseudo-header has the final destination (RFC 8200, 8.1).  0 of a fragment. */
PLX_API uint16_t plx_l4_csum(const void *p, const struct plx_pkt *k);
/* plx_csum_ok: IPv4 header and L4 checksum are right (UDP/IPv4 with csum 0 is right). */
PLX_API bool plx_csum_ok(const void *p, const struct plx_pkt *k);
/* The same two of a packet that plx_parse_mbuf parsed, of one segment or more. */
PLX_API uint16_t plx_l4_csum_mbuf(const struct plx_mbuf *m, const struct plx_pkt *k);
PLX_API bool plx_csum_ok_mbuf(const struct plx_mbuf *m, const struct plx_pkt *k);
/* plx_csum_finish writes the L4 checksum of the parsed packet at p, whatever stands in its field: for one of which
   only the pseudo-header was summed.  -EINVAL and nothing written if there is none that is known here, as in a
   fragment or behind another protocol, or a UDP checksum of 0: what is unfinished then is another header's within. */
PLX_API int plx_csum_finish(void *p, const struct plx_pkt *k);
/* plx_csum_finish_mbuf parses m, finishes it and says so (PLX_CSUM_GOOD); -EBUSY if a segment has other owners. */
PLX_API int plx_csum_finish_mbuf(struct plx_mbuf *m);
/* Incremental update (RFC 1624) of a stored checksum for a changed field, both as they stand
   in the header.  A UDP checksum of 0 means "none" and stays 0: do not fix it. */
PLX_API uint16_t plx_csum_fix16(uint16_t csum, uint16_t from, uint16_t to);
PLX_API uint16_t plx_csum_fix32(uint16_t csum, uint32_t from, uint32_t to);

/* ---- builders: write at p, which has room; return bytes written ---- */

PLX_API uint16_t plx_build_eth(void *p, const uint8_t dst[6], const uint8_t src[6], uint16_t type);
PLX_API uint16_t plx_build_vlan(void *p, uint16_t tci, uint16_t type);
/* l4_len: bytes behind the IP header.  Addresses big-endian.  TTL 64, DF, checksum set. */
PLX_API uint16_t plx_build_ip4(void *p, uint32_t src, uint32_t dst, uint8_t proto, uint16_t l4_len);
PLX_API uint16_t plx_build_ip6(void *p, const uint8_t src[16], const uint8_t dst[16], uint8_t next, uint16_t l4_len);
/* Ports in host order; csum 0: see plx_l4_csum. */
PLX_API uint16_t plx_build_udp(void *p, uint16_t sport, uint16_t dport, uint16_t payload_len);
PLX_API uint16_t plx_build_arp_reply(void *p, const struct plx_arphdr *request, const uint8_t mac[6]);

/* "aa:bb:cc:dd:ee:ff": 0 or -EINVAL.  fmt writes 18 bytes. */
PLX_API int  plx_mac_parse(uint8_t mac[6], const char *s);
PLX_API char *plx_mac_fmt(char buf[18], const uint8_t mac[6]);

#ifdef __cplusplus
}
#endif
#endif
