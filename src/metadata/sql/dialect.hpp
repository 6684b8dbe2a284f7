// All SQL of the store over a database server, as one dialect has it.
//
// Values travel in two ways: numbers and ids as parameters (:name, each once in a statement), everything else as a JSON
// document (:rows), which the server turns into a table: so that a page of a listing or a group of outcomes is one
// statement, and text is ASCII on the wire whatever it holds. Rows come back as JSON documents.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "db/sql.hpp"
#include "db/sql_target.hpp"

// Every statement, by name; sql_texts.hpp has them in this order.
// It would take the list for an expression.
// clang-format off
#define IMGIMPORT_SQL_STATEMENTS(X) \
  /* jobs */ \
  X(job_by_uuid) X(job_by_key) X(jobs_before) X(unfinished_jobs) X(find_job) X(lock_job) X(lock_jobs) \
  X(insert_job) X(update_lease) X(renew_leases) X(cancel_items) X(cancel_job) X(count_retryable) X(retry_items) \
  X(reopen_job) X(retry_folders) X(settle) X(fail_job) X(set_trouble) X(items) X(items_in_state) \
  /* listing */ \
  X(pending_folders) X(known_folders) X(insert_folders) X(move_cursor) X(open_folders) X(known_items) \
  X(insert_items) X(list_done) X(list_done_dry) \
  /* batches */ \
  X(take_batches) X(last_batch) X(count_due) X(group_due) X(ready_batches) X(next_due) X(open_batch) X(not_begun) \
  X(insert_begun) X(begun_places) X(begun_keys) X(forget_begun) X(purge_begun) \
  /* places */ \
  X(find_place) X(insert_provider) X(insert_place) X(lock_place) X(providers) X(move_provider) \
  /* commit */ \
  X(item_facts) X(records) X(place_of) X(sharing) X(take_images) X(insert_stored) X(update_stored) X(insert_shared) \
  X(update_shared) X(update_skipped) X(mark_shared) X(clear_damage) X(finish_items) X(requeue_items) \
  /* damage */ \
  X(relying_items) X(mark_damaged) X(mark_damaged_keys) X(fail_damaged) \
  /* garbage */ \
  X(update_discarded) X(insert_discarded) X(take_off_list) X(update_gone) X(insert_gone) X(being_removed) \
  X(purge_gone) X(purge_copies) X(stuck_deletions) X(waiting_keys) X(cut_short_keys) X(mark_claimed) \
  /* images */ \
  X(image_by_id) X(job_images) X(mark_deleting) X(delete_images) X(delete_going) \
  /* lists of images */ \
  X(find_block) X(id_below) X(page_table) X(page_provider) X(page_job) X(page_lists) X(page_lists_filtered) \
  X(page_text) X(count_table) X(count_provider) X(count_job) X(count_lists_filtered) X(count_text) X(days) X(groups) \
  /* what they are found by */ \
  X(find_labels) X(take_labels) X(insert_labels) X(link_labels) X(unlink_labels) X(move_labels) X(insert_blocks) \
  X(move_blocks) X(images_to_index) \
  /* copies of another database */ \
  X(copy_mark) X(begin_copy) X(end_copy) X(copy_reached) X(copy_totals) X(copy_providers) X(copy_places) X(copy_jobs) \
  X(copy_folders) X(copy_items) X(copy_images) X(copy_garbage) X(copy_begun) X(set_batches) X(set_images) X(set_next_ids) \
  /* the store itself */ \
  X(remember_call) X(forget_calls) X(has_schema) X(lock_schema) X(create_schema) X(schema_version) X(ping)
// clang-format on

namespace imgimport {

struct Dialect {
#define IMGIMPORT_SQL_FIELD(name) db::Sql name;
  IMGIMPORT_SQL_STATEMENTS(IMGIMPORT_SQL_FIELD)
#undef IMGIMPORT_SQL_FIELD
  // Whether an index leads to parts of names: then page_text and count_text are worth while.
  bool has_text_index = false;
  // The n-th brings version n to n + 1; never changed once released.
  std::span<const std::span<const db::Sql>> migrations;
};

const Dialect& postgres_dialect() noexcept;
const Dialect& transact_sql_dialect() noexcept;
const Dialect& dialect_of(db::SqlProduct product) noexcept;

// All of it in a fixed order, for a person to read and for tests to hold.
std::vector<std::pair<std::string_view, std::string_view>> all_statements(const Dialect& dialect);

}  // namespace imgimport
