/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "hostile.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define DAY 86400L

struct peer {
	int			 fd;
	SSL			*ssl;
	struct hostile_seen	*seen;
	bool			 rude;
};

static struct {
	char		 path[512];
	EVP_PKEY	*ca_key;
	EVP_PKEY	*key;
	X509		*ca;
	X509		*good;
	X509		*wrong_host;
	X509		*expired;
	X509		*unknown_ca;
} certs;

static void
need(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "hostile: %s\n", what);
		exit(99);
	}
}

/*
 * Certificates.
 */

static void
extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	need(e != NULL && X509_add_ext(cert, e, -1) == 1, "extension");
	X509_EXTENSION_free(e);
}

struct recipe {
	const char	*name;
	const char	*alt;	/* subjectAltName; NULL makes a CA */
	long		 from;	/* seconds from now */
	long		 until;
	EVP_PKEY	*key;
	X509		*issuer;	/* NULL: signs itself */
	EVP_PKEY	*issuer_key;
};

static X509 *
make_cert(const struct recipe *r)
{
	static long serial = 1;
	X509 *c = X509_new();
	X509_NAME *name;

	need(c != NULL, "X509_new");
	name = X509_get_subject_name(c);
	need(X509_set_version(c, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(c), serial++) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(c), r->from) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(c), r->until) != NULL &&
	    X509_set_pubkey(c, r->key) == 1 &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)r->name, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(c, r->issuer == NULL ? name :
	    X509_get_subject_name(r->issuer)) == 1, "certificate");
	if (r->alt != NULL) {
		extend(c, NID_subject_alt_name, r->alt);
	} else {
		extend(c, NID_basic_constraints, "critical,CA:TRUE");
		extend(c, NID_key_usage, "critical,keyCertSign,cRLSign");
	}
	need(X509_sign(c, r->issuer == NULL ? r->key : r->issuer_key,
	    EVP_sha256()) > 0, "signature");
	return c;
}

const char *
hostile_make_ca(const char *dir)
{
	static const char here[] = "IP:127.0.0.1,DNS:localhost";
	struct recipe r = { .name = "test CA", .from = -DAY, .until = DAY };
	FILE *f;

	need((certs.ca_key = EVP_EC_gen("P-256")) != NULL &&
	    (certs.key = EVP_EC_gen("P-256")) != NULL, "key");
	r.key = certs.ca_key;
	certs.ca = make_cert(&r);
	r.name = "server";
	r.key = certs.key;
	r.alt = here;
	certs.unknown_ca = make_cert(&r);
	r.issuer = certs.ca;
	r.issuer_key = certs.ca_key;
	certs.good = make_cert(&r);
	r.alt = "DNS:elsewhere.test,IP:127.0.0.9";
	certs.wrong_host = make_cert(&r);
	r.alt = here;
	r.from = -2 * DAY;
	r.until = -DAY;
	certs.expired = make_cert(&r);

	snprintf(certs.path, sizeof(certs.path), "%s/ca.pem", dir);
	f = fopen(certs.path, "w");
	need(f != NULL && PEM_write_X509(f, certs.ca) == 1 && fclose(f) == 0,
	    certs.path);
	return certs.path;
}

void
hostile_free_ca(void)
{
	EVP_PKEY_free(certs.ca_key);
	EVP_PKEY_free(certs.key);
	X509_free(certs.ca);
	X509_free(certs.good);
	X509_free(certs.wrong_host);
	X509_free(certs.expired);
	X509_free(certs.unknown_ca);
	memset(&certs, 0, sizeof(certs));
}

static SSL_CTX *
tls_context(enum hostile_tls tls)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	X509 *cert = certs.good;

	need(ctx != NULL, "SSL_CTX_new");
	if (tls == TLS_WRONG_HOST)
		cert = certs.wrong_host;
	else if (tls == TLS_EXPIRED)
		cert = certs.expired;
	else if (tls == TLS_UNKNOWN_CA)
		cert = certs.unknown_ca;
	need(SSL_CTX_use_certificate(ctx, cert) == 1 &&
	    SSL_CTX_use_PrivateKey(ctx, certs.key) == 1, "SSL_CTX");
	if (tls == TLS_OLD) {
		SSL_CTX_set_security_level(ctx, 0);
		need(SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION) == 1 &&
		    SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION) == 1,
		    "TLS 1.1");
	} else if (tls == TLS_ONE_TWO) {
		need(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) == 1,
		    "TLS 1.2");
	}
	return ctx;
}

/*
 * One connection.
 */

static ssize_t
read_some(struct peer *p, char *to, size_t size)
{
	if (p->ssl != NULL)
		return SSL_read(p->ssl, to, (int)size);
	return read(p->fd, to, size);
}

bool
peer_read(struct peer *p)
{
	struct hostile_seen *seen = p->seen;
	size_t len = 0, want = 0;
	const char *end, *length;

	for (;;) {
		ssize_t n = read_some(p, seen->request + len,
		    sizeof(seen->request) - 1 - len);

		if (n <= 0)
			return false;
		len += (size_t)n;
		seen->request[len] = '\0';
		seen->request_len = len;
		if (want == 0 &&
		    (end = strstr(seen->request, "\r\n\r\n")) != NULL) {
			length = strcasestr(seen->request,
			    "\r\nContent-Length:");
			want = (size_t)(end + 4 - seen->request);
			if (length != NULL && length < end)
				want += strtoul(length + 17, NULL, 10);
		}
		if (want > 0 && len >= want)
			break;
	}
	seen->requests++;
	return true;
}

bool
peer_send(struct peer *p, const void *data, size_t len)
{
	const char *from = data;

	while (len > 0) {
		ssize_t n = p->ssl != NULL ?
		    SSL_write(p->ssl, from, (int)len) :
		    write(p->fd, from, len);

		if (n <= 0)
			return false;
		p->seen->sent += (size_t)n;
		from += n;
		len -= (size_t)n;
	}
	return true;
}

bool
peer_say(struct peer *p, const char *text)
{
	return peer_send(p, text, strlen(text));
}

void
peer_sleep_ms(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
	    .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

void
peer_wait(struct peer *p)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLRDHUP };

	poll(&pfd, 1, 3000);
}

void
peer_be_rude(struct peer *p)
{
	p->rude = true;
}

void
peer_reset(struct peer *p)
{
	struct linger l = { .l_onoff = 1, .l_linger = 0 };

	p->rude = true;
	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

unsigned
peer_number(const struct peer *p)
{
	return p->seen->connections;
}

/*
 * The server.
 */

static void
serve_one(struct peer *p, SSL_CTX *ctx, hostile_fn serve)
{
	bool ready = true;
	int on = 1;

	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (ctx != NULL) {
		p->ssl = SSL_new(ctx);
		ready = SSL_set_fd(p->ssl, p->fd) == 1 &&
		    SSL_accept(p->ssl) == 1;
	}
	if (ready)
		serve(p);
	if (ready && p->ssl != NULL && !p->rude)
		SSL_shutdown(p->ssl);
	SSL_free(p->ssl);
	close(p->fd);
}

static void __attribute__((noreturn))
serve_all(int fd, struct hostile_seen *seen, hostile_fn serve, SSL_CTX *ctx)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	alarm(30);
	for (;;) {
		struct peer p = { .seen = seen };

		if ((p.fd = accept(fd, NULL, NULL)) < 0)
			_exit(1);
		seen->connections++;
		serve_one(&p, ctx, serve);
	}
}

void
hostile_start(struct hostile *s, hostile_fn serve, enum hostile_tls tls)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	SSL_CTX *ctx = tls == TLS_NONE ? NULL : tls_context(tls);
	void *shared = mmap(NULL, sizeof(*s->seen), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	need(shared != MAP_FAILED && fd >= 0 &&
	    bind(fd, (const struct sockaddr *)&in, sizeof(in)) == 0 &&
	    listen(fd, 16) == 0 &&
	    getsockname(fd, (struct sockaddr *)&in, &len) == 0, "listen");
	s->seen = shared;
	s->port = ntohs(in.sin_port);
	fflush(NULL);
	need((s->pid = fork()) >= 0, "fork");
	if (s->pid == 0)
		serve_all(fd, s->seen, serve, ctx);
	close(fd);
	SSL_CTX_free(ctx);
}

void
hostile_stop(struct hostile *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	munmap(s->seen, sizeof(*s->seen));
	memset(s, 0, sizeof(*s));
}
