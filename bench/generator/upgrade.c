#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "generator.h"

#define MAX_TARGETS 256
static struct loopback targets[MAX_TARGETS];
static uint32_t target_count;
static uint32_t source;
static const char *origin = "http://localhost";

struct loopback loopback_of(const char *text) {
  char host[64];
  int port = 0;
  struct in_addr address;
  if (sscanf(text, "%63[0-9.]:%d", host, &port) < 1 || inet_pton(AF_INET, host, &address) != 1)
    fail("An address must be given as 127.x.y.z:port.");
  if (ntohl(address.s_addr) >> 24 != 127) fail("Load goes to the loopback only.");
  return (struct loopback){address.s_addr, htons((uint16_t)port)};
}

void targets_set(char *list) {
  for (char *one = strtok(list, ","); one != NULL; one = strtok(NULL, ",")) {
    if (target_count == MAX_TARGETS) fail("Too many targets.");
    targets[target_count++] = loopback_of(one);
  }
}

void source_set(const char *text) { source = loopback_of(text).address; }
void origin_set(const char *text) { origin = text; }

/* Waits for the other end's kernel, which on the loopback answers at once. */
int connect_to(struct loopback to, bool from_source) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (from_source && source != 0) {
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = source};
    if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) goto bad;
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = to.address, .sin_port = to.port};
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) goto bad;
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
bad:
  close(fd);
  return -1;
}

void upgrade_start(uint32_t number) {
  struct connection *connection = &connections[number];
  int fd = connect_to(targets[number % target_count], true);
  if (fd < 0) {
    connection->state = ENDED;
    counters.failed++;
    return;
  }
  connection->fd = fd;
  connection->state = UPGRADING;
  counters.opened++;
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  char request[1024], path[64] = "/ws";
  if (dialect == PLAIN) snprintf(path, sizeof path, "/ws?n=%u", number);
  if (dialect == SOCKET_IO) snprintf(path, sizeof path, "/socket.io/?EIO=4&transport=websocket&n=%u", number);
  int length = snprintf(request, sizeof request,
    "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Origin: %s\r\nCookie: aparte=%s\r\n\r\n", path, origin, tokens[number]);
  if (send(fd, request, (size_t)length, MSG_NOSIGNAL) != length) {
    counters.failed++;
    connection_end(connection);
  }
}

ssize_t upgrade_answer(struct connection *connection, const char *bytes, size_t length) {
  const char *end = memmem(bytes, length, "\r\n\r\n", 4);
  if (end == NULL) return -1;
  if (length < 12 || memcmp(bytes + 9, "101", 3) != 0) {
    counters.failed++;
    connection_end(connection);
    return (ssize_t)length;
  }
  if (dialect == PLAIN) {
    connection->state = READY;
    counters.ready++;
  }
  return end + 4 - bytes;
}

/* What the server asks for (server/ws/admission.ts); all wait as long, so that the first to leave is the first back. */
#define LATER_NS 10000000000ull
static struct { uint32_t number; uint64_t due; } later[MAX_CONNECTIONS];
static uint32_t later_from, later_count;

void upgrade_later(struct connection *connection) {
  connection_end(connection);
  counters.refused++;
  uint32_t place = (later_from + later_count++) % MAX_CONNECTIONS;
  later[place].number = (uint32_t)(connection - connections);
  later[place].due = now_ns() + LATER_NS;
}

int64_t upgrade_due(void) {
  if (later_count == 0 || later[later_from].due > now_ns()) return -1;
  uint32_t number = later[later_from].number;
  later_from = (later_from + 1) % MAX_CONNECTIONS;
  later_count--;
  return number;
}

uint32_t upgrades_later(void) { return later_count; }
