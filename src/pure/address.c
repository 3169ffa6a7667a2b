/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdint.h>
#include <string.h>

static const struct {
	uint32_t	net;
	int		bits;
} private_v4[] = {
	{ 0x00000000,  8 },	/* 0.0.0.0/8	this network */
	{ 0x0a000000,  8 },	/* 10.0.0.0/8	private */
	{ 0x64400000, 10 },	/* 100.64.0.0/10	carriers' NAT */
	{ 0xa9fe0000, 16 },	/* 169.254.0.0/16	link-local, metadata */
	{ 0xac100000, 12 },	/* 172.16.0.0/12	private */
	{ 0xc0000000, 24 },	/* 192.0.0.0/24	protocols */
	{ 0xc0000200, 24 },	/* 192.0.2.0/24	documentation */
	{ 0xc0586300, 24 },	/* 192.88.99.0/24	6to4 relays */
	{ 0xc0a80000, 16 },	/* 192.168.0.0/16	private */
	{ 0xc6120000, 15 },	/* 198.18.0.0/15	benchmarks */
	{ 0xc6336400, 24 },	/* 198.51.100.0/24	documentation */
	{ 0xcb007100, 24 },	/* 203.0.113.0/24	documentation */
	{ 0xe0000000,  3 },	/* 224.0.0.0/4, 240.0.0.0/4 */
};

static enum address_kind
kind_of_v4(uint32_t a)
{
	size_t i;

	if (a >> 24 == 127)
		return ADDRESS_LOOPBACK;
	for (i = 0; i < sizeof(private_v4) / sizeof(private_v4[0]); i++)
		if ((a ^ private_v4[i].net) >> (32 - private_v4[i].bits) == 0)
			return ADDRESS_PRIVATE;
	return ADDRESS_PUBLIC;
}

static enum address_kind
kind_of_v6(const struct in6_addr *in6)
{
	static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	const unsigned char *a = in6->s6_addr;
	uint32_t head = (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 |
	    (uint32_t)a[2] << 8 | a[3], tail;

	memcpy(&tail, a + 12, sizeof(tail));
	if (IN6_IS_ADDR_LOOPBACK(in6))
		return ADDRESS_LOOPBACK;
	if (IN6_IS_ADDR_V4MAPPED(in6) || memcmp(a, nat64, sizeof(nat64)) == 0)
		return kind_of_v4(ntohl(tail)) == ADDRESS_PUBLIC ?
		    ADDRESS_PUBLIC : ADDRESS_PRIVATE;
	/* Global unicast is 2000::/3, but for protocols, documentation, 6to4. */
	if (head >> 29 != 1 || head >> 9 == 0x20010000 >> 9 ||
	    head == 0x20010db8 || head >> 16 == 0x2002 ||
	    head >> 12 == 0x3fff0000 >> 12)
		return ADDRESS_PRIVATE;
	return ADDRESS_PUBLIC;
}

enum address_kind
address_kind_of(const struct sockaddr *sa, size_t len)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (sa->sa_family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, sa, sizeof(in));
		return kind_of_v4(ntohl(in.sin_addr.s_addr));
	}
	if (sa->sa_family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, (const void *)sa, sizeof(in6));
		return kind_of_v6(&in6.sin6_addr);
	}
	return ADDRESS_PRIVATE;
}

enum address_kind
address_kind_of_text(const char *text)
{
	struct in6_addr in6;
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) == 1)
		return kind_of_v4(ntohl(in.s_addr));
	if (inet_pton(AF_INET6, text, &in6) == 1)
		return kind_of_v6(&in6);
	return ADDRESS_PRIVATE;
}
