/* SPDX-License-Identifier: ISC */
#ifndef OAC_FLOW_H
#define OAC_FLOW_H

/*
 * flow - what each web program does: a parsed request in, a response out.
 *
 * app has checked the method and opened what the context holds. A flow never
 * fails: whatever goes wrong is an answer. Flows do not know of FastCGI.
 */
#include "context.h"
#include "request.h"
#include "response.h"

void flow_start(const struct context *ctx, struct request *req,
    struct response *res);
void flow_callback(const struct context *ctx, struct request *req,
    struct response *res);
void flow_refresh(const struct context *ctx, struct request *req,
    struct response *res);

#endif
