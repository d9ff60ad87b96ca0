#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "generator.h"

#define READ_BYTES (512 * 1024)
#define LARGEST_PARTIAL (4 * 1024 * 1024)
static char buffer[LARGEST_PARTIAL + READ_BYTES];

void connection_end(struct connection *connection) {
  if (connection->state == ENDED) return;
  if (connection->state == READY) counters.ready--;
  close(connection->fd);
  free(connection->partial);
  connection->partial = NULL;
  connection->state = ENDED;
}

bool frame_write(struct connection *connection, int opcode, const char *payload, size_t length) {
  /* Masked with a key of zeros, as allowed: the server unmasks all the same, and nothing needs doing here. */
  unsigned char head[14];
  size_t at = 2;
  head[0] = (unsigned char)(0x80 | opcode);
  if (length < 126) {
    head[1] = (unsigned char)(0x80 | length);
  } else {
    if (length > 65535) fail("A frame of the generator is longer than 64 KB.");
    head[1] = 0x80 | 126;
    head[2] = (unsigned char)(length >> 8);
    head[3] = (unsigned char)length;
    at = 4;
  }
  memset(head + at, 0, 4);
  struct iovec parts[2] = {{head, at + 4}, {(void *)payload, length}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  ssize_t written = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
  if (written < 0) {
    if (errno == EAGAIN) counters.blocked++;
    return false;
  }
  size_t total = at + 4 + length, done = (size_t)written;
  while (done < total) {
    struct pollfd wait = {.fd = connection->fd, .events = POLLOUT};
    if (poll(&wait, 1, 1000) <= 0) fail("The server does not read.");
    bool in_head = done < at + 4;
    ssize_t more = in_head ? send(connection->fd, head + done, at + 4 - done, MSG_NOSIGNAL)
                           : send(connection->fd, payload + (done - at - 4), total - done, MSG_NOSIGNAL);
    if (more < 0 && errno != EAGAIN) return false;
    if (more > 0) done += (size_t)more;
  }
  return true;
}

static uint64_t number_after(const char *text, size_t length, const char *key) {
  const char *at = memmem(text, length, key, strlen(key));
  if (at == NULL) return 0;
  uint64_t value = 0;
  for (at += strlen(key); at < text + length && *at >= '0' && *at <= '9'; at++) value = value * 10 + (uint64_t)(*at - '0');
  return value;
}

/* Each number of a conversation counts once per device: delivered, or as the answer to its own send. */
static void see(struct slot *slot, uint32_t seq) {
  if (seq > slot->last) {
    uint32_t by = seq - slot->last;
    slot->seen = by >= 64 ? 0 : slot->seen << by;
    slot->seen |= 1;
    slot->last = seq;
    counters.unique++;
    return;
  }
  uint32_t behind = slot->last - seq;
  if (behind >= 64 || (slot->seen >> behind & 1) == 1) {
    counters.twice++;
    return;
  }
  slot->seen |= 1ull << behind;
  counters.unique++;
}

static void message_arrived(struct connection *connection, const char *text, size_t length) {
  counters.delivered++;
  const char *cipher = memmem(text, length, "\"ciphertext\":\"~", 15);
  if (cipher == NULL || cipher + 15 + 24 > text + length) return;
  uint64_t sent_at = 0;
  uint32_t conversation = 0;
  for (int at = 0; at < 24; at++) {
    char digit = cipher[15 + at];
    uint32_t value = (uint32_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    if (at < 16) sent_at = sent_at << 4 | value;
    else conversation = conversation << 4 | value;
  }
  latency_add(now_ns() - sent_at);
  uint32_t seq = (uint32_t)number_after(text, length, "\"seq\":");
  for (uint32_t at = 0; at < connection->slot_count; at++) {
    struct slot *slot = &slots[connection->first_slot + at];
    if (slot->conversation == conversation) see(slot, seq);
  }
}

#define STARTS(word) (length > sizeof(word) + 5 && memcmp(text + 6, word "\"", sizeof(word)) == 0)

static void text_of_aparte(struct connection *connection, const char *text, size_t length) {
  if (STARTS("message")) {
    message_arrived(connection, text, length);
  } else if (STARTS("activity") || STARTS("presence")) {
    counters.delivered++;
  } else if (STARTS("sent")) {
    counters.acked++;
    uint32_t place = (uint32_t)(number_after(text, length, "\"r\":") & 15);
    if (place < connection->slot_count)
      see(&slots[connection->first_slot + place], (uint32_t)number_after(text, length, "\"seq\":"));
  } else if (STARTS("ready")) {
    if (connection->state == UPGRADING) {
      connection->state = READY;
      counters.ready++;
      beat_later(connection);
    }
  } else if (STARTS("error") || STARTS("stale")) {
    counters.errors++;
    if (counters.errors < 4) fprintf(stderr, "%.*s\n", (int)length, text);
  }
}

/* A message of the server is one or more frames, a line each. */
static void texts_of_aparte(struct connection *connection, const char *text, size_t length) {
  const char *end = text + length;
  while (text < end) {
    const char *line = memchr(text, '\n', (size_t)(end - text));
    size_t size = (size_t)((line == NULL ? end : line) - text);
    text_of_aparte(connection, text, size);
    text += size + 1;
  }
}

static void text_of_socket_io(struct connection *connection, const char *text, size_t length) {
  if (text[0] == '0') {
    frame_write(connection, 1, "40", 2);
  } else if (text[0] == '2') {
    frame_write(connection, 1, "3", 1);
  } else if (length > 1 && text[0] == '4' && text[1] == '2') {
    counters.delivered++;
  } else if (connection->state == UPGRADING) {
    connection->state = READY;
    counters.ready++;
  }
}

static void frame_arrived(struct connection *connection, int opcode, const char *payload, size_t length) {
  if (opcode == 1 || opcode == 2) {
    if (dialect == APARTE) texts_of_aparte(connection, payload, length);
    else if (dialect == SOCKET_IO) text_of_socket_io(connection, payload, length);
    else counters.delivered++;
  } else if (opcode == 9) {
    frame_write(connection, 10, payload, length);
  } else if (opcode == 8) {
    int code = length >= 2 ? (unsigned char)payload[0] << 8 | (unsigned char)payload[1] : 0;
    if (code == OVERLOADED && connection->state == UPGRADING) {
      upgrade_later(connection);
      return;
    }
    counters.closed++;
    if (code > 0) counters.last_close_code = code;
    connection_end(connection);
  }
}

void connection_read(struct connection *connection) {
  size_t kept = 0;
  if (connection->partial != NULL) {
    kept = connection->partial->length;
    memcpy(buffer, connection->partial->bytes, kept);
    free(connection->partial);
    connection->partial = NULL;
  }
  ssize_t got = recv(connection->fd, buffer + kept, READ_BYTES, 0);
  if (got < 0 && errno == EAGAIN) got = 0;
  else if (got <= 0) {
    if (connection->state == UPGRADING) counters.failed++;
    else counters.closed++;
    connection_end(connection);
    return;
  }
  size_t length = kept + (size_t)got, at = 0;
  /* The answer to the upgrade starts with a letter that no frame of a server starts with. */
  if (connection->state == UPGRADING && length > 0 && buffer[0] == 'H') {
    ssize_t taken = upgrade_answer(connection, buffer, length);
    at = taken < 0 ? length + 1 : (size_t)taken;
  }
  while (connection->state != ENDED && at + 2 <= length) {
    const unsigned char *head = (const unsigned char *)buffer + at;
    size_t size = head[1] & 127, start = 2;
    if (size == 126) {
      start = 4;
      if (at + 4 > length) break;
      size = (size_t)head[2] << 8 | head[3];
    } else if (size == 127) {
      start = 10;
      if (at + 10 > length) break;
      size = 0;
      for (int byte = 2; byte < 10; byte++) size = size << 8 | head[byte];
    }
    if (at + start + size > length) break;
    frame_arrived(connection, head[0] & 15, buffer + at + start, size);
    at += start + size;
  }
  if (at > length) at = 0;
  if (connection->state == ENDED || at == length) return;
  if (length - at > LARGEST_PARTIAL) fail("A frame of the server is too long.");
  connection->partial = malloc(sizeof(struct partial) + length - at);
  if (connection->partial == NULL) fail("Out of memory.");
  connection->partial->length = (uint32_t)(length - at);
  memcpy(connection->partial->bytes, buffer + at, length - at);
}
