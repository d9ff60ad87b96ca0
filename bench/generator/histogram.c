#include <stdio.h>
#include <string.h>
#include "generator.h"

#define STEPS 32
static uint64_t buckets[64 * STEPS];

/* The bucket holds [2^power * (1 + step/32), + 1/32) microseconds. */
void latency_add(uint64_t ns) {
  uint64_t us = ns / 1000;
  if (us < STEPS) {
    buckets[us]++;
    return;
  }
  int power = 63 - __builtin_clzll(us);
  uint64_t step = (us >> (power - 5)) & (STEPS - 1);
  buckets[(power - 4) * STEPS + step]++;
}

void latency_reset(void) { memset(buckets, 0, sizeof buckets); }

/* As pairs of the bucket's upper end in microseconds and its count. */
void latency_print(void) {
  bool first = true;
  putchar('[');
  for (uint64_t at = 0; at < 64 * STEPS; at++) {
    if (buckets[at] == 0) continue;
    uint64_t row = at / STEPS, step = at % STEPS;
    uint64_t upper = row == 0 ? step + 1 : (STEPS + step + 1) << (row - 1);
    printf("%s[%llu,%llu]", first ? "" : ",", (unsigned long long)upper, (unsigned long long)buckets[at]);
    first = false;
  }
  putchar(']');
}
