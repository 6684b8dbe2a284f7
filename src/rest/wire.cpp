#include "rest/wire.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <limits>

namespace imgimport {
namespace {

namespace json = boost::json;

const json::value& as_json(const void* value) noexcept {
  return *static_cast<const json::value*>(value);
}

}  // namespace

// The values live in one block that goes as a whole.
struct WireDocument::Tree {
  json::monotonic_resource memory;
  json::value root;
};

WireDocument::WireDocument(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
WireDocument::WireDocument(WireDocument&&) noexcept = default;
WireDocument& WireDocument::operator=(WireDocument&&) noexcept = default;
WireDocument::~WireDocument() = default;

const void* WireDocument::root() const noexcept {
  return &tree_->root;
}

Result<WireDocument> WireDocument::parse(std::string_view text) {
  auto tree = std::make_unique<Tree>();
  json::error_code failed;
  json::value parsed = json::parse(text, failed, &tree->memory);
  if (failed) return bad_message(": " + failed.message());
  // Assigning would copy into the default memory: the value is made anew where it is to stay.
  tree->root.~value();
  ::new (&tree->root) json::value(std::move(parsed), json::storage_ptr(&tree->memory));
  return WireDocument(std::move(tree));
}

void WireDecoder::complain(std::string_view wanted) {
  if (problem_->text.empty()) problem_->text = fmt::format(" is not {}", wanted);
}

void WireDecoder::add_to_path(std::string_view name) {
  problem_->text = fmt::format(".{}{}", name, problem_->text);
}

bool WireDecoder::is_null() const noexcept {
  return as_json(value_).is_null();
}

bool WireDecoder::is_object() const noexcept {
  return as_json(value_).is_object();
}

bool WireDecoder::read_boolean(bool& out) {
  const bool* const found = as_json(value_).if_bool();
  if (found == nullptr) return complain("true or false"), false;
  out = *found;
  return true;
}

bool WireDecoder::read_integer(std::int64_t& out) {
  json::error_code failed;
  const auto number = as_json(value_).to_number<std::int64_t>(failed);
  if (failed) return complain("an integer"), false;
  out = number;
  return true;
}

bool WireDecoder::read_number(double& out) {
  json::error_code failed;
  const auto number = as_json(value_).to_number<double>(failed);
  if (failed) return complain("a number"), false;
  out = number;
  return true;
}

bool WireDecoder::read_string(std::string& out) {
  const json::string* const found = as_json(value_).if_string();
  if (found == nullptr) return complain("a string"), false;
  out.assign(found->data(), found->size());
  return true;
}

std::size_t WireDecoder::list_size() {
  const json::array* const found = as_json(value_).if_array();
  if (found == nullptr) return complain("a list"), 0;
  return found->size();
}

const void* WireDecoder::element(std::size_t index) const {
  return &as_json(value_).get_array()[index];
}

const void* WireDecoder::find(std::string_view name) const {
  return as_json(value_).get_object().if_contains(name);
}

std::vector<std::pair<std::string_view, const void*>> WireDecoder::members() {
  std::vector<std::pair<std::string_view, const void*>> found;
  const json::object* const object = as_json(value_).if_object();
  if (object == nullptr) return complain("an object"), found;
  found.reserve(object->size());
  for (const auto& member : *object) found.emplace_back(std::string_view(member.key()), &member.value());
  return found;
}

Error bad_message(std::string_view where) {
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("the message cannot be understood: it{}{}", where.starts_with(".") ? "s " : "", where))
      .with_reason("bad_message")
      .with_remedy("Run the same version of imgimport everywhere");
}

}  // namespace imgimport
