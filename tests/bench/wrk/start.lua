-- SPDX-License-Identifier: ISC
--
-- start.lua - browsers at /start, each of them new: no cookie yet.

local headers = { ["Sec-Fetch-Site"] = "same-origin",
    ["Sec-Fetch-Mode"] = "navigate", ["Sec-Fetch-Dest"] = "document" }
local path

function init(args)
	path = wrk.path .. "?provider=interact&return_to=/account" ..
	    "&bind=0123456789abcdef0123456789abcdef"
end

function request()
	return wrk.format("GET", path, headers)
end
