<?php
// SPDX-License-Identifier: ISC

declare(strict_types=1);
require __DIR__ . '/common.php';

$to = $_GET['return_to'] ?? '';
$bind = $_GET['bind'] ?? '';
if (($_GET['provider'] ?? '') !== 'interact' || !is_string($to) ||
    !preg_match('~^/(?![/\\\\])[\x21-\x7e]*$~D', $to) || !is_string($bind) ||
    !preg_match('~^[\x21-\x7e]{16,128}$~D', $bind) ||
    ($_SERVER['HTTP_SEC_FETCH_SITE'] ?? '') === 'cross-site')
	fail(400, 'invalid_request');
$state = secret();
$cookie = $_COOKIE['oauth'] ?? '';
if (!is_string($cookie) || !preg_match('~^[\w-]{43}$~D', $cookie))
	$cookie = secret();

$db = db(false);
run($db, 'DELETE FROM pending WHERE id = (SELECT id FROM pending' .
    ' ORDER BY id LIMIT 1) AND expires_at <= ?', [time()]);
run($db, 'INSERT INTO pending (state_hash, browser_hash, bind_hash, provider,' .
    ' return_to, expires_at) VALUES (?, ?, ?, ?, ?, ?)', [digest($state),
    digest($cookie), digest($bind), 'interact', $to, time() + 600]);
setcookie('oauth', $cookie, ['expires' => time() + 3600, 'path' => '/',
    'httponly' => true, 'samesite' => 'Lax']);
go(setting('AUTHORIZE_URL') . '?' . http_build_query([
    'response_type' => 'code', 'client_id' => setting('CLIENT_ID'),
    'redirect_uri' => setting('BASE_URL') . '/callback/interact',
    'scope' => SCOPE, 'state' => $state, 'code_challenge' =>
    base64url(hash('sha256', derive('pkce', $state), true)),
    'code_challenge_method' => 'S256']));
