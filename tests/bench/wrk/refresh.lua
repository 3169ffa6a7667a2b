-- SPDX-License-Identifier: ISC
--
-- refresh.lua KEY SUBJECTS PREFIX ORDER - a backend that asks for tokens of the
-- subjects PREFIX0 to PREFIXn, in turn ("each") or by chance ("any").

local headers, subjects, form, by_chance
local n = 0

function init(args)
	headers = { ["Authorization"] = "Bearer " .. args[1],
	    ["Content-Type"] = "application/x-www-form-urlencoded" }
	subjects = tonumber(args[2])
	form = "provider=interact&subject=" .. args[3]
	by_chance = args[4] == "any"
	math.randomseed(os.time())
	n = math.random(0, subjects - 1)
end

function request()
	n = by_chance and math.random(0, subjects - 1) or (n + 1) % subjects
	return wrk.format("POST", nil, headers, form .. n)
end
