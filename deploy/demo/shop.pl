#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# A small shop whose customers connect their Interact account. It is the demo
# of oauth-cgi, and the example of what a site has to do itself:
#
#   1. a form that leads to /oauth/start, with `bind`     -> connect_form()
#   2. redeem the ticket that the customer comes back with -> redeem()
#   3. ask for an access token whenever one is needed      -> access_token()
#
# The shop stores no token, knows no client secret, and refreshes nothing.
# It runs as plain CGI and needs nothing but Perl itself.
use strict;
use warnings;
use utf8;
use Digest::SHA qw(hmac_sha256_hex);
use HTTP::Tiny;
use JSON::PP ();

binmode STDOUT, ':encoding(UTF-8)';

# From the web server's configuration. The key of the app and the secret of
# the shop are files that no visitor can reach.
my $SHOP  = $ENV{SHOP_URL};          # http://127.0.0.1:8080
my $OAUTH = $ENV{SHOP_OAUTH_URL};    # http://127.0.0.1:8080/oauth
my $API   = $ENV{SHOP_API_URL};      # the provider's API
my $KEY    = line_of("$ENV{SHOP_DIR}/app.key");
my $SECRET = line_of("$ENV{SHOP_DIR}/shop.secret");

my $http    = HTTP::Tiny->new(timeout => 40, proxy => undef,
    http_proxy => undef, max_redirect => 0);
my %param   = parameters($ENV{QUERY_STRING});
my $session = session();

# A real shop takes the customer from its login. This one has a customer for
# every session.
my $customer = 'customer-' . substr mac('customer'), 0, 8;

# The session lives in a cookie of one name of the host, so the shop, like
# oauth-cgi, insists on the address that it was set up for.
my ($host) = $SHOP =~ m{//(.*)};
my $path = $ENV{PATH_INFO} || '/';
if (($ENV{HTTP_HOST} // $host) ne $host) { redirect($path) }
elsif ($path eq '/')        { page_home() }
elsif ($path eq '/account') { page_account() }
elsif ($path eq '/wait')    { page_wait() }
else { page('Not found', '<h1>Not found</h1>', status => '404 Not Found') }

# ---- the three things that a site does itself -------------------------------

# 1. `bind` ties what begins here to this session: a ticket that somebody else
#    got, or slipped to our customer, can't be redeemed in this session.
sub connect_form {
    my $bind = bind_value();
    return <<"HTML";
<form method="post" action="$OAUTH/start">
<input type="hidden" name="provider" value="interact">
<input type="hidden" name="return_to" value="/account">
<input type="hidden" name="bind" value="$bind">
<button class="main">Connect Interact</button>
</form>
HTML
}

sub bind_value { return mac('bind') }

# 2. The customer comes back to return_to with a ticket. Who he is comes from
#    the session, never from the request.
sub redeem {
    my ($ticket) = @_;
    return ask_oauth_cgi(
        ticket  => $ticket,
        subject => $customer,
        bind    => bind_value(),
    );
}

# 3. Whenever a token is needed, ask: it is valid, always. Don't keep it.
sub access_token {
    return ask_oauth_cgi(
        provider => 'interact',
        subject  => $customer,
    );
}

# The answer as a hash: what /refresh said, and its HTTP status.
sub ask_oauth_cgi {
    my $answer = $http->post_form("$OAUTH/refresh", [@_],
        { headers => { Authorization => "Bearer $KEY" } });
    my $json = eval { JSON::PP::decode_json($answer->{content}) };
    return { error => 'temporarily_unavailable', http => $answer->{status} }
        if ref $json ne 'HASH';
    return { %$json, http => $answer->{status} };
}

# ---- what the shop does with a token ----------------------------------------

sub account_at_provider {
    my ($token) = @_;
    my $answer = $http->get("$API/api/me",
        { headers => { Authorization => "Bearer $token" } });
    return $answer->{success} ? JSON::PP::decode_json($answer->{content})
        : undef;
}

# ---- pages ------------------------------------------------------------------

sub page_home {
    page('Tea, posted weekly', <<"HTML" . connect_form() . <<"HTML");
<p class="kicker">Tea by subscription</p>
<h1>Tea for your team, posted every week</h1>
<p>Connect your Interact account, and we take the names of your colleagues
from there: no lists to type, no spreadsheets to send.</p>
HTML
<p class="quiet">You decide at Interact what we may see. You are <b>$customer</b>
in this shop. <a href="/account">Your account</a></p>
HTML
}

sub page_account {
    if (defined $param{ticket}) {
        my $answer = redeem($param{ticket});
        # Not the ticket but a clean address stays in the browser's history.
        return redirect('/account?new=1') if $answer->{http} == 200;
        return page_problem($answer);
    }
    return page_not_connected(came_back()) if defined $param{status};

    my $answer = access_token();
    return page_connected($answer) if $answer->{http} == 200;
    return page_not_connected()    if $answer->{error} eq 'unknown_connection';
    return page_problem($answer);
}

# `status` and `error` are for display: they prove nothing.
sub came_back {
    return 'You declined, so nothing was connected. You can change your mind.'
        if $param{status} eq 'denied';
    return 'Interact can’t be reached at the moment. Please try again later.'
        if ($param{error} // '') eq 'temporarily_unavailable';
    return 'That did not work, and nothing was connected. Please try again.';
}

sub page_not_connected {
    my ($note) = @_;
    page('Your account', note($note) . <<"HTML" . connect_form());
<h1>Interact is not connected</h1>
<p>Connect your account, and come back here.</p>
HTML
}

sub page_problem {
    my ($answer) = @_;
    my %words = (
        wrong_session => 'This connection was begun in another session, so it'
            . ' is not yours to finish. Please begin again here.',
        ticket_spent => 'This address was used before, or too long ago.'
            . ' Please begin again.',
        reauthorization_required => 'Interact has ended the connection.'
            . ' Please connect again.',
    );
    my $words = $words{$answer->{error}}
        || 'Interact can’t be reached at the moment. Please try again later.';
    my $later = $answer->{error} eq 'temporarily_unavailable';
    page('Your account', ($later ? '<h1>Not right now</h1>' . note($words)
        : '<h1>Please connect again</h1>' . note($words) . connect_form()));
}

sub page_connected {
    my ($answer) = @_;
    my $me    = account_at_provider($answer->{access_token});
    my $token = masked($answer->{access_token});
    my $left  = $answer->{expires_in} // 0;
    my $until = clock_time($answer->{expires_at} // 0);
    my $name  = html($me ? $me->{name} : 'Interact');
    my $mail  = html($me ? $me->{email} : 'did not answer');
    my $count = $me ? $me->{refreshes} : 0;
    my $times = $count == 0 ? 'never so far'
        : $count == 1 ? 'once' : "$count times";
    my $note  = $param{new} ? 'Connected. This page asked for a token and used'
        . ' it at once to read your name.' : undef;

    # Of our own making, if it looks like it.
    my $was = ($param{was} // '') =~ /^([\w.~+\/=-]{1,16}….{4})$/ ? $1 : $token;
    if ($was ne $token) {
        $note = "The token $was ran out while you waited. We asked"
            . ' again as always, and got a new one, valid at Interact.';
    }
    my $said = html(JSON::PP->new->canonical->pretty->indent_length(2)->encode({
        map { $_ => $_ eq 'access_token' ? $token : $answer->{$_} }
        grep { $_ ne 'http' } keys %$answer }));
    my $shown = html($token);
    page('Your account', note($note) . <<"HTML");
<p class="kicker">Connected to Interact</p>
<h1>$name</h1>
<p class="quiet">$mail, read from Interact’s API a moment ago</p>
<dl>
<dt>Access token</dt><dd><code>$shown</code></dd>
<dt>Valid</dt><dd>until $until, <span class="left"
style="--from:$left"></span> left</dd>
<dt>Refreshed</dt><dd>$times, counted by Interact</dd>
<dt>State</dt><dd>$answer->{status}</dd>
</dl>
<div class="bar"><i style="animation-duration:${left}s"></i></div>
<div class="row">
<form action="/account"><button>Ask again</button></form>
<form action="/wait"><button class="main">Let it expire</button></form>
</div>
<p class="quiet">When it runs out, nothing has to be done about it: whoever asks
then gets a new one.</p>
<details><summary>What the shop’s backend just did</summary>
<pre>POST /oauth/refresh
Authorization: Bearer oacgi_…

provider=interact&amp;subject=$customer

200 OK
$said</pre></details>
HTML
}

# Wait until the token is over, and look what happens. Without scripts: the
# page itself moves on.
sub page_wait {
    my $answer = access_token();
    return redirect('/account') if $answer->{http} != 200;
    my $token   = masked($answer->{access_token});
    my $seconds = ($answer->{expires_in} // 0) + 2;
    my $next    = '/account?was=' . url($token);
    page('Waiting', <<"HTML", refresh => "$seconds; url=$next");
<p class="kicker">Waiting</p>
<h1>The token is running out …</h1>
<p>Nobody asks for it meanwhile. In <b><span class="left"
style="--from:$seconds"></span></b> this page goes back to your account, which
asks for a token as it always does.</p>
<div class="bar"><i style="animation-duration:${seconds}s"></i></div>
<p class="quiet">Running out: <code>${\html($token)}</code></p>
<p class="quiet"><a href="${\html($next)}">Don’t wait</a></p>
HTML
}

sub page {
    my ($title, $body, %more) = @_;
    my $refresh = $more{refresh}
        ? "<meta http-equiv=\"refresh\" content=\"${\html($more{refresh})}\">\n"
        : '';
    header($more{status} || '200 OK', 'Content-Type' => 'text/html; charset=utf-8',
        'Content-Security-Policy' => "default-src 'none'; style-src 'self'"
        . " 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'");
    print <<"HTML";
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
$refresh<title>$title – Leaf &amp; Kettle</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><a href="/">Leaf <i>&amp;</i> Kettle</a> <nav><a href="/account">Your
account</a></nav></header>
<main>
$body</main>
<footer>A demo of oauth-cgi. Shop, tea and provider are made up.</footer>
</body>
</html>
HTML
}

sub note {
    my ($text) = @_;
    return defined $text ? '<p class="note">' . html($text) . "</p>\n" : '';
}

sub redirect {
    my ($to) = @_;
    header('303 See Other', Location => "$SHOP$to");
}

sub header {
    my ($status, @fields) = @_;
    push @fields, 'Set-Cookie' =>
        "shop_session=$session; Path=/; HttpOnly; SameSite=Lax",
        'Cache-Control' => 'no-store', 'Referrer-Policy' => 'same-origin';
    print "Status: $status\r\n";
    while (my ($name, $value) = splice @fields, 0, 2) {
        print "$name: $value\r\n";
    }
    print "\r\n";
}

# ---- sessions ---------------------------------------------------------------

# The session's number and the shop's seal on it: one that the shop did not
# make itself is worth nothing.
sub session {
    my ($id, $seal) = ($ENV{HTTP_COOKIE} // '')
        =~ /(?:^|; *)shop_session=([0-9a-f]{32})-([0-9a-f]{64})(?:;|$)/;
    return "$id-$seal"
        if defined $id && $seal eq hmac_sha256_hex("session:$id", $SECRET);
    open my $random, '<:raw', '/dev/urandom' or die "/dev/urandom: $!";
    read($random, my $bytes, 16) == 16 or die "/dev/urandom: short";
    $id = unpack 'H*', $bytes;
    return "$id-" . hmac_sha256_hex("session:$id", $SECRET);
}

# A value of this session for one purpose, which tells nothing of another.
sub mac {
    my ($purpose) = @_;
    return hmac_sha256_hex("$purpose:$session", $SECRET);
}

# ---- small things -----------------------------------------------------------

sub line_of {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!";
    my $line = <$in>;
    chomp $line;
    return $line;
}

sub parameters {
    my ($query) = @_;
    my %found;
    for (split /&/, $query // '') {
        my ($name, $value) = map { s/\+/ /gr =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger }
            split /=/, $_, 2;
        next if !defined $value;
        utf8::decode($value);
        $found{$name} = $value;
    }
    return %found;
}

sub html {
    my ($text) = @_;
    my %as = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&quot;');
    return $text =~ s/([&<>"])/$as{$1}/gr;
}

sub url {
    my ($text) = @_;
    utf8::encode($text);
    return $text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger;
}

# Enough to tell two tokens apart, too little to use one.
sub masked {
    my ($token) = @_;
    return substr($token, 0, 16) . '…' . substr $token, -4;
}

sub clock_time {
    my ($time) = @_;
    my ($s, $m, $h) = gmtime $time;
    return sprintf '%02d:%02d:%02d UTC', $h, $m, $s;
}
