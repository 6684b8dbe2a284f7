// Jobs, their progress and their items as the public API shows them.
#pragma once

#include "base/json_writer.hpp"
#include "imgimport/import_service.hpp"
#include "imgimport/job.hpp"

namespace imgimport {

// The fields of a job inside an object that the caller opens and closes.
void write_progress_fields(JsonWriter& json, const ImportProgress& progress);

// {…all fields of the status apart from `imported`…}
std::string progress_json(const ImportProgress& progress);

// An element of the list of jobs. What only the job's driver knows (rate, eta) is left out.
void write_job(JsonWriter& json, const Job& job);

// What lies between import and the workers, as one object.
std::string queue_json(const QueueState& state);

void write_item(JsonWriter& json, const Item& item);

}  // namespace imgimport
