/* SPDX-License-Identifier: ISC */
#ifndef OAC_CONTEXT_H
#define OAC_CONTEXT_H

/*
 * context - what a flow may use: opened by app for one program, within its
 * role. What a program has no right to is NULL.
 */
struct conf;
struct httpc;
struct keyring;
struct pages;
struct store;

struct context {
	const struct conf	*conf;
	const struct pages	*pages;
	struct store		*store;
	struct keyring		*pending_keys;
	struct keyring		*token_keys;
	struct httpc		*http;
};

#endif
