// SPDX-License-Identifier: ISC
//
// seal - AES-256-GCM for the peers' databases: nonce (12) | text | tag (16),
// bound to its place by the additional data.

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

export function seal(key, place, text) {
	const nonce = randomBytes(12);
	const cipher = createCipheriv("aes-256-gcm", key, nonce);

	cipher.setAAD(Buffer.from(place));
	return Buffer.concat([nonce, cipher.update(text, "utf8"),
	    cipher.final(), cipher.getAuthTag()]);
}

export function open(key, place, sealed) {
	const cipher = createDecipheriv("aes-256-gcm", key,
	    sealed.subarray(0, 12));

	cipher.setAAD(Buffer.from(place));
	cipher.setAuthTag(sealed.subarray(-16));
	return cipher.update(sealed.subarray(12, -16), undefined, "utf8") +
	    cipher.final("utf8");
}
