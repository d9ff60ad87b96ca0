#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include "generator.h"

enum dialect dialect = APARTE;
struct connection *connections;
uint32_t connection_count;
struct slot *slots;
struct conversation *conversations;
uint32_t conversation_count;
char (*tokens)[TOKEN_LENGTH + 1];
struct counters counters;
int poller;

#define STDIN_EVENT UINT32_MAX
static struct { bool on; uint32_t next, to, at_once; uint64_t started, ends; } opening;

void fail(const char *what) {
  fprintf(stderr, "generator: %s\n", what);
  exit(1);
}

uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

void counters_print(const char *event) {
  printf("{\"event\":\"%s\",\"opened\":%llu,\"refused\":%llu,\"ready\":%llu,\"failed\":%llu,\"closed\":%llu,\"sent\":%llu,\"acked\":%llu,"
         "\"delivered\":%llu,\"unique\":%llu,\"twice\":%llu,\"errors\":%llu,\"blocked\":%llu,\"lastCloseCode\":%d",
         event, (unsigned long long)counters.opened, (unsigned long long)counters.refused,
         (unsigned long long)counters.ready,
         (unsigned long long)counters.failed, (unsigned long long)counters.closed, (unsigned long long)counters.sent,
         (unsigned long long)counters.acked, (unsigned long long)counters.delivered,
         (unsigned long long)counters.unique, (unsigned long long)counters.twice, (unsigned long long)counters.errors,
         (unsigned long long)counters.blocked, counters.last_close_code);
  printf(",\"latencies\":");
  latency_print();
  printf("}\n");
  fflush(stdout);
}

static FILE *opened(const char *path) {
  FILE *file = fopen(path, "r");
  if (file == NULL) fail("A file cannot be read.");
  return file;
}

/* One conversation a line: its id, how many devices hear what one of them says, its roster's version. */
static void conversations_read(const char *path) {
  FILE *file = opened(path);
  struct conversation one;
  while (fscanf(file, "%36s %u %u", one.id, &one.receivers, &one.roster_version) == 3) {
    if ((conversation_count & (conversation_count + 1)) == 0 || conversation_count == 0) {
      conversations = realloc(conversations, (conversation_count * 2 + 2) * sizeof one);
      if (conversations == NULL) fail("Out of memory.");
    }
    conversations[conversation_count++] = one;
  }
  fclose(file);
}

/* One device a line: its token, and the places of its conversations in the other file. */
static void people_read(const char *path) {
  FILE *file = opened(path);
  connections = calloc(MAX_CONNECTIONS, sizeof *connections);
  tokens = calloc(MAX_CONNECTIONS, sizeof *tokens);
  char *line = NULL;
  size_t room = 0, slot_count = 0, slot_room = 0;
  while (getline(&line, &room, file) > 0) {
    if (connection_count == MAX_CONNECTIONS) fail("A process holds 19,900 connections at most.");
    struct connection *connection = &connections[connection_count];
    char *word = strtok(line, " \n");
    if (word == NULL || strlen(word) > TOKEN_LENGTH) fail("A token cannot be read.");
    strcpy(tokens[connection_count++], word);
    connection->first_slot = (uint32_t)slot_count;
    while ((word = strtok(NULL, " \n")) != NULL) {
      if (slot_count == slot_room) slots = realloc(slots, (slot_room = slot_room * 2 + 1024) * sizeof *slots);
      slots[slot_count++] = (struct slot){.conversation = (uint32_t)atoi(word)};
      if (++connection->slot_count > 16) fail("A device has 16 conversations at most.");
    }
  }
  free(line);
  fclose(file);
}

static void command(char *line) {
  unsigned count, at_once, seconds;
  if (sscanf(line, "connect %u %u %u", &count, &at_once, &seconds) == 3) {
    if (count > connection_count || seconds > MAX_SECONDS) fail("There are not as many devices.");
    uint64_t now = now_ns();
    opening.on = true, opening.to = count, opening.at_once = at_once;
    opening.started = now, opening.ends = now + seconds * 1000000000ull;
  } else if (strncmp(line, "drive ", 6) == 0) {
    drive_start(line);
  } else if (strncmp(line, "control ", 8) == 0) {
    control_set(line + 8);
  } else if (strncmp(line, "reset", 5) == 0) {
    latency_reset();
  } else if (strncmp(line, "report", 6) == 0) {
    counters_print("report");
  } else if (strncmp(line, "quit", 4) == 0) {
    exit(0);
  } else {
    fail("A command cannot be read.");
  }
}

static void commands_read(void) {
  static char pending[4096];
  static size_t length;
  ssize_t got = read(0, pending + length, sizeof pending - length - 1);
  if (got <= 0) exit(0);
  length += (size_t)got;
  pending[length] = 0;
  char *end;
  while ((end = strchr(pending, '\n')) != NULL) {
    *end = 0;
    command(pending);
    length -= (size_t)(end + 1 - pending);
    memmove(pending, end + 1, length + 1);
  }
}

static void open_more(void) {
  uint64_t settled = counters.ready + counters.failed + counters.closed;
  while (opening.next - settled - upgrades_later() < opening.at_once) {
    int64_t back = upgrade_due();
    if (back < 0 && opening.next == opening.to) break;
    upgrade_start(back < 0 ? opening.next++ : (uint32_t)back);
    settled = counters.ready + counters.failed + counters.closed;
  }
  uint64_t now = now_ns();
  if (settled < opening.to && now < opening.ends) return;
  opening.on = false;
  printf("{\"event\":\"connected\",\"ready\":%llu,\"failed\":%llu,\"closed\":%llu,\"lastCloseCode\":%d,\"seconds\":%.6f}\n",
         (unsigned long long)counters.ready, (unsigned long long)counters.failed, (unsigned long long)counters.closed,
         counters.last_close_code, (double)(now - opening.started) / 1e9);
  fflush(stdout);
}

int main(int count, char **words) {
  const char *people = NULL;
  for (int at = 1; at + 1 < count; at += 2) {
    char *name = words[at], *value = words[at + 1];
    if (strcmp(name, "--targets") == 0) targets_set(value);
    else if (strcmp(name, "--source") == 0) source_set(value);
    else if (strcmp(name, "--origin") == 0) origin_set(value);
    else if (strcmp(name, "--people") == 0) people = value;
    else if (strcmp(name, "--conversations") == 0) conversations_read(value);
    else if (strcmp(name, "--dialect") == 0)
      dialect = strcmp(value, "plain") == 0 ? PLAIN : strcmp(value, "socket.io") == 0 ? SOCKET_IO : APARTE;
    else fail("An option is not known.");
  }
  if (people == NULL) fail("--people is missing.");
  people_read(people);
  signal(SIGPIPE, SIG_IGN);
  /* Whatever becomes of who started it, it ends. */
  alarm(2 * MAX_SECONDS);
  poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event orders = {.events = EPOLLIN, .data.u32 = STDIN_EVENT};
  epoll_ctl(poller, EPOLL_CTL_ADD, 0, &orders);
  puts("{\"event\":\"started\"}");
  fflush(stdout);
  static struct epoll_event events[1024];
  for (;;) {
    if (opening.on) open_more();
    int sleep = drive_step(), beat = beat_step();
    if (opening.on) sleep = 10;
    if (sleep < 0 || (beat >= 0 && beat < sleep)) sleep = beat;
    int ready = epoll_wait(poller, events, 1024, sleep);
    for (int at = 0; at < ready; at++) {
      if (events[at].data.u32 == STDIN_EVENT) commands_read();
      else if (connections[events[at].data.u32].state != ENDED) connection_read(&connections[events[at].data.u32]);
    }
  }
}
