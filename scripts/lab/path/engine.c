// SPDX-License-Identifier: Apache-2.0
//
// An engine that costs next to nothing: one thread, answers made before they are asked for, connections kept open.
//
//   engine PORT
//
// It speaks OpenAI's dialect and Ollama's. The model that a request names says how it is answered:
//   instant   plain, or as a stream of three events, at once
//   whole     a stream of 200 pieces that is there at once (33 KB), with Content-Length
//   chunked   the same in one chunk
//   paced     a stream of `max_tokens` pieces, 50 a second, each in a chunk of its own
//   held      a stream that says one piece and then nothing
// GET /lab/requests tells how many requests there have been, these not counted.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { MOST = 8192, INPUT = 16384, TICKS = 20, TICK_NANOSECONDS = 1000000, PIECES = 200 };

struct text {
    char *bytes;
    size_t length;
};

struct connection {
    // Of all connections there ever were: what is told of one must not be taken for news of the next with its descriptor.
    uint32_t number;
    char input[INPUT];
    size_t filled;
    // What the socket did not take at once.
    char *rest;
    size_t rest_at, rest_length;
    // A paced stream: pieces left, the tick of each round at which it speaks, and its neighbours there.
    long left;
    int previous, next, tick;
    bool is_paced;
};

static struct connection *connections[MOST];
static int rounds[TICKS];
static int queue, timer, paced;
static unsigned long requests;
static struct text plain, small, whole, chunked, opening, piece, closing, models, ollama_plain, ollama_stream, tags, shown;

static struct text joined(const char *first, const char *second, size_t times, const char *third) {
    size_t a = strlen(first), b = strlen(second), c = strlen(third);
    struct text made = {malloc(a + b * times + c + 1), a + b * times + c};
    char *at = mempcpy(made.bytes, first, a);
    while (times-- > 0) at = mempcpy(at, second, b);
    memcpy(at, third, c + 1);
    return made;
}

static struct text answer(const char *kind, struct text body) {
    char head[256];
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", kind, body.length);
    return joined(head, body.bytes, 1, "");
}

static struct text chunk(const char *before, struct text body, const char *after) {
    char size[32];
    snprintf(size, sizeof size, "%zx\r\n", body.length);
    struct text begun = joined(before, size, 1, body.bytes);
    return joined(begun.bytes, "\r\n", 1, after);
}

#define EVENT(delta, finish)                                                                              \
    "data: {\"id\":\"chatcmpl-lab\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"         \
    "\"model\":\"lab\",\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":" finish "}]}\n\n"
#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define LINES "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
#define LINE(content, more)                                                                 \
    "{\"model\":\"instant\",\"created_at\":\"2026-01-01T00:00:00.000000Z\","                \
    "\"message\":{\"role\":\"assistant\",\"content\":\"" content "\"},\"done\":" more "}"
#define DONE                                                                                            \
    "true,\"done_reason\":\"stop\",\"total_duration\":1000,\"load_duration\":1,\"prompt_eval_count\":12," \
    "\"prompt_eval_duration\":1,\"eval_count\":2,\"eval_duration\":1"

static void prepare(void) {
    const char *role = EVENT("{\"role\":\"assistant\",\"content\":\"\"}", "null");
    const char *word = EVENT("{\"content\":\" word\"}", "null");
    const char *end = EVENT("{}", "\"stop\"") "data: [DONE]\n\n";
    struct text long_stream = joined(role, word, PIECES, end), short_stream = joined(role, word, 1, end);
    whole = answer("text/event-stream", long_stream);
    small = answer("text/event-stream", short_stream);
    chunked = chunk(STREAM, long_stream, "0\r\n\r\n");
    opening = chunk(STREAM, joined(role, word, 1, ""), "");
    piece = chunk("", joined(word, "", 0, ""), "");
    closing = chunk("", joined(end, "", 0, ""), "0\r\n\r\n");
    plain = answer("application/json", joined(
        "{\"id\":\"chatcmpl-instant\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"instant\","
        "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hello.\"},"
        "\"finish_reason\":\"stop\"}],"
        "\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":2,\"total_tokens\":14}}", "", 0, ""));
    models = answer("application/json", joined(
        "{\"object\":\"list\",\"data\":["
#define MODEL(name) "{\"id\":\"" name "\",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"lab\"}"
        MODEL("instant") "," MODEL("whole") "," MODEL("chunked") "," MODEL("paced") "," MODEL("held") "]}", "", 0, ""));
    ollama_plain = answer("application/json", joined(LINE("Hello.", DONE), "", 0, ""));
    ollama_stream = chunk(LINES, joined(LINE("Hello.", "false") "\n" LINE("", DONE) "\n", "", 0, ""), "0\r\n\r\n");
    tags = answer("application/json", joined(
        "{\"models\":[{\"name\":\"instant\",\"model\":\"instant\",\"modified_at\":\"2026-01-01T00:00:00Z\","
        "\"size\":1000000,\"digest\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
        "\"details\":{\"format\":\"gguf\",\"family\":\"lab\",\"families\":[\"lab\"],\"parameter_size\":\"1B\","
        "\"quantization_level\":\"Q4_0\"}}]}", "", 0, ""));
    shown = answer("application/json", joined(
        "{\"details\":{\"format\":\"gguf\",\"family\":\"lab\"},\"model_info\":{\"lab.context_length\":32768},"
        "\"capabilities\":[\"completion\"]}", "", 0, ""));
}

// The clock only runs while somebody is spoken to: an idle engine is not to disturb what is measured.
static void run_clock(long nanoseconds) {
    struct itimerspec pace = {{0, nanoseconds}, {0, nanoseconds}};
    timerfd_settime(timer, 0, &pace, NULL);
}

static void leave_round(int fd) {
    struct connection *one = connections[fd];
    if (!one->is_paced) return;
    if (--paced == 0) run_clock(0);
    if (one->previous >= 0) connections[one->previous]->next = one->next;
    else rounds[one->tick] = one->next;
    if (one->next >= 0) connections[one->next]->previous = one->previous;
    one->is_paced = false;
}

static void drop(int fd) {
    leave_round(fd);
    free(connections[fd]->rest);
    free(connections[fd]);
    connections[fd] = NULL;
    close(fd);
}

static uint64_t mark(int fd) {
    return (uint64_t)(connections[fd] ? connections[fd]->number : 0) << 32 | (uint32_t)fd;
}

static bool send_text(int fd, struct text text) {
    struct connection *one = connections[fd];
    ssize_t sent = one->rest ? 0 : send(fd, text.bytes, text.length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent < 0) sent = 0;
    if ((size_t)sent == text.length) return true;
    size_t more = text.length - (size_t)sent;
    one->rest = realloc(one->rest, one->rest_length + more);
    memcpy(one->rest + one->rest_length, text.bytes + sent, more);
    one->rest_length += more;
    struct epoll_event wish = {.events = EPOLLIN | EPOLLOUT, .data.u64 = mark(fd)};
    epoll_ctl(queue, EPOLL_CTL_MOD, fd, &wish);
    return true;
}

static bool send_rest(int fd) {
    struct connection *one = connections[fd];
    if (!one->rest) return true;
    ssize_t sent = send(fd, one->rest + one->rest_at, one->rest_length - one->rest_at, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    one->rest_at += (size_t)sent;
    if (one->rest_at < one->rest_length) return true;
    free(one->rest);
    one->rest = NULL;
    one->rest_at = one->rest_length = 0;
    struct epoll_event wish = {.events = EPOLLIN, .data.u64 = mark(fd)};
    epoll_ctl(queue, EPOLL_CTL_MOD, fd, &wish);
    return true;
}

static bool begin_paced(int fd, const char *body) {
    static int turn;
    struct connection *one = connections[fd];
    const char *limit = strstr(body, "\"max_tokens\"");
    if (limit) limit += strlen("\"max_tokens\"");
    one->left = limit ? strtol(limit + strspn(limit, ": "), NULL, 10) - 1 : 99;
    one->tick = turn++ % TICKS;
    one->previous = -1;
    one->next = rounds[one->tick];
    if (one->next >= 0) connections[one->next]->previous = fd;
    rounds[one->tick] = fd;
    one->is_paced = true;
    if (paced++ == 0) run_clock(TICK_NANOSECONDS);
    return send_text(fd, opening);
}

static void speak(int tick) {
    for (int fd = rounds[tick], next; fd >= 0; fd = next) {
        struct connection *one = connections[fd];
        next = one->next;
        bool is_over = one->left-- <= 0;
        if (is_over) leave_round(fd);
        if (!send_text(fd, is_over ? closing : piece)) drop(fd);
    }
}

static bool respond(int fd, const char *head, const char *body) {
    bool streams = strstr(body, "\"stream\":true") || strstr(body, "\"stream\": true");
    if (!strncmp(head, "GET /lab/requests ", 18)) {
        char count[32];
        snprintf(count, sizeof count, "%lu", requests);
        struct text number = joined(count, "", 0, ""), said = answer("application/json", number);
        bool is_fine = send_text(fd, said);
        free(number.bytes);
        free(said.bytes);
        return is_fine;
    }
    requests += 1;
    if (!strncmp(head, "POST /v1/chat/completions ", 26)) {
        if (strstr(body, "\"paced\"")) return begin_paced(fd, body);
        if (strstr(body, "\"held\"")) return send_text(fd, opening);
        if (strstr(body, "\"whole\"")) return send_text(fd, whole);
        if (strstr(body, "\"chunked\"")) return send_text(fd, chunked);
        return send_text(fd, streams ? small : plain);
    }
    if (!strncmp(head, "POST /api/chat ", 15)) {
        bool is_plain = strstr(body, "\"stream\":false") || strstr(body, "\"stream\": false");
        return send_text(fd, is_plain ? ollama_plain : ollama_stream);
    }
    if (!strncmp(head, "GET /v1/models ", 15)) return send_text(fd, models);
    if (!strncmp(head, "GET /api/tags ", 14)) return send_text(fd, tags);
    if (!strncmp(head, "POST /api/show ", 15)) return send_text(fd, shown);
    const char *other = "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    if (!strncmp(head, "GET /api/version ", 17))
        other = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"version\":\"0.20.0\"}";
    if (!strncmp(head, "GET /api/ps ", 12))
        other = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"models\":[]}";
    struct text text = {(char *)other, strlen(other)};
    return send_text(fd, text);
}

// Answers every request that has come whole; false when the connection is of no use any more.
static bool read_requests(int fd) {
    struct connection *one = connections[fd];
    ssize_t got = recv(fd, one->input + one->filled, INPUT - 1 - one->filled, 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    one->filled += (size_t)got;
    for (;;) {
        one->input[one->filled] = 0;
        char *end = strstr(one->input, "\r\n\r\n");
        if (!end) return one->filled < INPUT - 1;
        *end = 0;
        char *length = strcasestr(one->input, "\r\ncontent-length:");
        size_t body = length ? strtoul(length + 17, NULL, 10) : 0;
        bool is_in_chunks = strcasestr(one->input, "\r\ntransfer-encoding:") != NULL;
        *end = '\r';
        size_t size = (size_t)(end + 4 - one->input) + body;
        if (is_in_chunks || size >= INPUT) {
            fprintf(stderr, "a request in chunks, or one that is too long\n");
            return false;
        }
        if (one->filled < size) return true;
        char after = one->input[size];
        one->input[size] = 0;
        if (!respond(fd, one->input, end + 4)) return false;
        one->input[size] = after;
        memmove(one->input, one->input + size, one->filled - size);
        one->filled -= size;
    }
}

static void welcome(int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        int on = 1;
        if (fd >= MOST || !(connections[fd] = calloc(1, sizeof(struct connection)))) {
            close(fd);
            continue;
        }
        static uint32_t number;
        connections[fd]->number = ++number;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event wish = {.events = EPOLLIN, .data.u64 = mark(fd)};
        epoll_ctl(queue, EPOLL_CTL_ADD, fd, &wish);
    }
}

static int fail(const char *what) {
    perror(what);
    return 1;
}

int main(int count, char **words) {
    struct rlimit files;
    if (count != 2) return fputs("usage: engine PORT\n", stderr), 64;
    signal(SIGPIPE, SIG_IGN);
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max < MOST ? files.rlim_max : MOST;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    prepare();
    for (int tick = 0; tick < TICKS; tick++) rounds[tick] = -1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) return fail("listen");
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer < 0) return fail("timer");
    queue = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event one = {.events = EPOLLIN, .data.u64 = mark(listener)}, two = {.events = EPOLLIN, .data.u64 = mark(timer)};
    if (epoll_ctl(queue, EPOLL_CTL_ADD, listener, &one) || epoll_ctl(queue, EPOLL_CTL_ADD, timer, &two)) return fail("epoll");
    struct epoll_event events[256];
    for (unsigned long tick = 0;;) {
        int ready = epoll_wait(queue, events, 256, -1);
        for (int number = 0; number < ready; number++) {
            int fd = (int)(uint32_t)events[number].data.u64;
            if (fd == listener) {
                welcome(listener);
            } else if (fd == timer) {
                unsigned long passed = 0;
                if (read(timer, &passed, sizeof passed) == sizeof passed)
                    while (passed-- > 0) speak((int)(tick++ % TICKS));
            } else if (connections[fd] && mark(fd) == events[number].data.u64) {
                bool is_fine = !(events[number].events & EPOLLERR);
                if (is_fine && events[number].events & EPOLLOUT) is_fine = send_rest(fd);
                if (is_fine && events[number].events & (EPOLLIN | EPOLLHUP)) is_fine = read_requests(fd);
                if (!is_fine) drop(fd);
            }
        }
    }
}
