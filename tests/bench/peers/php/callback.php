<?php
// SPDX-License-Identifier: ISC

declare(strict_types=1);
require __DIR__ . '/common.php';

$state = $_GET['state'] ?? '';
$code = $_GET['code'] ?? '';
$cookie = $_COOKIE['oauth'] ?? '';
$row = false;
if (is_string($state) && is_string($code) && is_string($cookie)) {
	$taken = run(db(false), 'UPDATE pending SET stage = 1 WHERE' .
	    ' state_hash = ? AND browser_hash = ? AND stage = 0 AND' .
	    ' expires_at > ? RETURNING id, provider, bind_hash, return_to',
	    [digest($state), digest($cookie), time()]);
	$row = $taken->fetch();
	$taken->closeCursor();
}
if ($row === false || $row['provider'] !== 'interact')
	fail(400, 'invalid_state');
$sent = time();
$answer = ask(['grant_type' => 'authorization_code', 'code' => $code,
    'redirect_uri' => setting('BASE_URL') . '/callback/interact',
    'code_verifier' => derive('pkce', $state)]);
$ticket = derive('ticket', $state);
$owner = "shop\0{$row['provider']}\0\x001";

$db = db(true);
$db->exec('BEGIN IMMEDIATE');
run($db, 'INSERT INTO connection (app, provider, access, refresh, scope,' .
    ' expires_at, ticket_hash, bind_hash, ticket_expires_at)' .
    " VALUES ('shop', ?, ?, ?, ?, ?, ?, ?, ?)", [$row['provider'],
    seal("access\0$owner", $answer['access_token']),
    seal("refresh\0$owner", $answer['refresh_token']),
    $answer['scope'] ?? SCOPE, $sent + $answer['expires_in'],
    digest($ticket), blob($row['bind_hash']), time() + 600]);
run($db, 'UPDATE pending SET stage = 2 WHERE id = ?', [$row['id']]);
$db->exec('COMMIT');
go(preg_replace('~/oauth$~', '', setting('BASE_URL')) . $row['return_to'] .
    '?' . http_build_query(['ticket' => $ticket,
    'provider' => $row['provider'], 'status' => 'connected']));
