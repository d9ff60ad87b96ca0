/**
 * Plans of prepared statements are made once per connection and kept: planning the commit anew costs more than
 * running it for a small batch. And since a kept plan is not reconsidered as a table grows from nothing, one must
 * not be made that reads whole tables: not by a scan, and not to join with what was a row or two when it was made.
 */
export const planSettings: readonly string[] = [
  'plan_cache_mode=force_generic_plan',
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  'enable_material=off',
];
