<?php
// SPDX-License-Identifier: ISC

declare(strict_types=1);
require __DIR__ . '/common.php';

const FIND = 'SELECT * FROM connection WHERE app = ? AND provider = ?' .
    ' AND subject = ?';

// Under a lock of the connection's: somebody may have been faster.
function refreshed(array $row): array
{
	$lock = fopen(setting('LOCKS') . '/' . $row['id'] % 1024, 'c');
	flock($lock, LOCK_EX);
	$row = run(db(false), FIND, [$row['app'], $row['provider'],
	    $row['subject']])->fetch();
	if ($row['expires_at'] > time() + 60)
		return $row;
	$owner = "{$row['app']}\0{$row['provider']}\0{$row['subject']}\0";
	$was = $owner . $row['generation'];
	$is = $owner . ($row['generation'] + 1);
	$token = unseal("refresh\0$was", $row['refresh']);
	$sent = time();
	$here = [$row['id'], $row['generation']];
	$db = db(true);
	run($db, 'UPDATE connection SET attempt_at = ? WHERE id = ? AND' .
	    ' generation = ?', [$sent, ...$here]);
	$answer = ask(['grant_type' => 'refresh_token',
	    'refresh_token' => $token]);
	$row['expires_at'] = $sent + $answer['expires_in'];
	run($db, 'UPDATE connection SET access = ?, refresh = ?,' .
	    ' expires_at = ?, generation = generation + 1, attempt_at = 0' .
	    ' WHERE id = ? AND generation = ?', [
	    seal("access\0$is", $answer['access_token']),
	    seal("refresh\0$is", $answer['refresh_token'] ?? $token),
	    $row['expires_at'], ...$here]);
	$row['token'] = $answer['access_token'];
	return $row;
}

$app = false;
if (preg_match('~^Bearer (.+)$~D', $_SERVER['HTTP_AUTHORIZATION'] ?? '', $key))
	$app = run(db(false), 'SELECT app FROM app_key WHERE hash = ?',
	    [digest($key[1])])->fetchColumn();
if ($app === false)
	fail(401, 'invalid_key');
$provider = $_POST['provider'] ?? '';
$subject = $_POST['subject'] ?? '';
$row = is_string($provider) && is_string($subject) ?
    run(db(false), FIND, [$app, $provider, $subject])->fetch() : false;
if ($row === false)
	fail(404, 'unknown_connection');
if ($row['expires_at'] <= time() + 60)
	$row = refreshed($row);
$row['token'] ??= unseal("access\0$app\0$provider\0$subject\0" .
    $row['generation'], $row['access']);
header('Cache-Control: no-store');
header('Content-Type: application/json');
echo json_encode(['access_token' => $row['token'], 'token_type' => 'Bearer',
    'expires_in' => $row['expires_at'] - time(),
    'expires_at' => $row['expires_at'], 'scope' => $row['scope'],
    'provider' => $provider, 'connection' => (string)$row['id'],
    'subject' => $subject, 'status' => 'ok']);
