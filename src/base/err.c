/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "err.h"

static const char *const names[ERR__MAX] = {
	[ERR_OK]	= "ok",
	[ERR_INPUT]	= "bad input",
	[ERR_NOT_FOUND]	= "not found",
	[ERR_CONFLICT]	= "conflict",
	[ERR_BUSY]	= "busy",
	[ERR_CONFIG]	= "configuration",
	[ERR_TAMPER]	= "does not open",
	[ERR_INTERNAL]	= "internal error",
};

const char *
err_name(enum err e)
{
	return (unsigned)e < ERR__MAX ? names[e] : "?";
}
