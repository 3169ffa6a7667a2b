/* SPDX-License-Identifier: ISC */
#ifndef OAC_ADDRESS_H
#define OAC_ADDRESS_H

/*
 * address - whether an IP address is one of the public internet's.
 *
 * For names that others choose: what they resolve to must not lead to this
 * machine, nor into the network behind it. Source: the special-purpose address
 * registries of IANA (RFC 6890). An IPv6 address that holds an IPv4 one
 * (mapped, or of a NAT64) is public when that is; other tunnels are private.
 */
#include <sys/socket.h>

enum address_kind {
	ADDRESS_PUBLIC,
	ADDRESS_LOOPBACK,
	ADDRESS_PRIVATE,	/* all else: private, local, reserved */
};

/* len: of what sa points to. What is too short, or no IP, is private. */
enum address_kind address_kind_of(const struct sockaddr *sa, size_t len);

/* The same for an address as text, without a zone; nonsense is private. */
enum address_kind address_kind_of_text(const char *text);

#endif
