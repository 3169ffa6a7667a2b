<?php
// SPDX-License-Identifier: ISC
//
// common - the same work with the same guarantees as express.mjs, for PHP-FPM.

declare(strict_types=1);

const SCOPE = 'read_user write_data';

function setting(string $name): string
{
	return $_SERVER[$name];		// of the pool's configuration
}

function sealing_key(): string
{
	return hex2bin(setting('KEY'));
}

// A handle that lives as long as the worker. A flow that is lost in a power
// cut costs a click, a token more.
function db(bool $durable): PDO
{
	$db = new PDO('sqlite:' . setting('DATABASE'), null, null, [
	    PDO::ATTR_PERSISTENT => true, PDO::ATTR_TIMEOUT => 5,
	    PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
	    PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC]);
	$db->exec('PRAGMA synchronous = ' . ($durable ? 'FULL' : 'NORMAL'));
	return $db;
}

// Values are bound as they are: bytes as BLOB, numbers as INTEGER.
function run(PDO $db, string $sql, array $values): PDOStatement
{
	$statement = $db->prepare($sql);
	foreach ($values as $i => $value) {
		if (is_int($value))
			$type = PDO::PARAM_INT;
		elseif (is_array($value))
			[$value, $type] = [$value[0], PDO::PARAM_LOB];
		else
			$type = PDO::PARAM_STR;
		$statement->bindValue($i + 1, $value, $type);
	}
	$statement->execute();
	return $statement;
}

function blob(string $bytes): array
{
	return [$bytes];
}

function digest(string $text): array
{
	return blob(hash('sha256', $text, true));
}

function base64url(string $bytes): string
{
	return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

function secret(): string
{
	return base64url(random_bytes(32));
}

function derive(string $label, string $state): string
{
	return base64url(hash_hmac('sha256', "$label\0$state", sealing_key(), true));
}

function seal(string $place, string $text): array
{
	$nonce = random_bytes(12);
	$sealed = openssl_encrypt($text, 'aes-256-gcm', sealing_key(),
	    OPENSSL_RAW_DATA, $nonce, $tag, $place);
	return blob($nonce . $sealed . $tag);
}

function unseal(string $place, string $sealed): string
{
	$text = openssl_decrypt(substr($sealed, 12, -16), 'aes-256-gcm', sealing_key(),
	    OPENSSL_RAW_DATA, substr($sealed, 0, 12), substr($sealed, -16),
	    $place);
	if ($text === false)
		fail(503, 'temporarily_unavailable');
	return $text;
}

function ask(array $fields): array
{
	$curl = curl_init(setting('TOKEN_URL'));
	curl_setopt_array($curl, [CURLOPT_POST => true, CURLOPT_TIMEOUT => 25,
	    CURLOPT_RETURNTRANSFER => true,
	    CURLOPT_HTTPHEADER => ['Content-Type: application/json'],
	    CURLOPT_POSTFIELDS => json_encode($fields + [
	    'client_id' => setting('CLIENT_ID'),
	    'client_secret' => setting('CLIENT_SECRET')])]);
	$answer = json_decode((string)curl_exec($curl), true);
	if (!isset($answer['access_token']))
		fail(503, 'temporarily_unavailable');
	return $answer;
}

function fail(int $status, string $error): never
{
	http_response_code($status);
	header('Content-Type: application/json');
	echo json_encode(['error' => $error]);
	exit;
}

function go(string $url): never
{
	header('Cache-Control: no-store');
	header("Location: $url", true, 303);
	exit;
}
