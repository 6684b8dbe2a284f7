#include "emulators/drive/file_query.hpp"

#include <array>
#include <cctype>

#include "base/text.hpp"

namespace imgimport::emulator {

enum class NodeKind : std::uint8_t { kAnd = 1, kOr, kNot, kInParents, kText, kTime, kFlag };
enum class Comparison : std::uint8_t {
  kEqual = 1,
  kNotEqual,
  kContains,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual
};

struct FileQuery::Node {
  NodeKind kind = NodeKind::kAnd;
  std::vector<std::shared_ptr<const Node>> children;
  std::string field;
  Comparison comparison = Comparison::kEqual;
  std::string text;
  Timestamp time{};
  bool flag = false;
};

namespace {

using Node = FileQuery::Node;
using NodePtr = std::shared_ptr<const Node>;

constexpr std::array<std::string_view, 4> kTextFields = {"name", "mimeType", "fullText", "shortcutDetails.targetId"};
constexpr std::array<std::string_view, 4> kTimeFields = {"modifiedTime", "createdTime", "viewedByMeTime",
                                                         "sharedWithMeTime"};
constexpr std::array<std::string_view, 3> kFlagFields = {"trashed", "starred", "sharedWithMe"};
constexpr std::array<std::string_view, 3> kPeopleFields = {"owners", "writers", "readers"};

template <class List>
bool among(const List& list, std::string_view word) {
  for (const std::string_view one : list) {
    if (one == word) return true;
  }
  return false;
}

// Recursive descent: or < and < not < term. nullptr: a mistake.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  NodePtr parse() {
    NodePtr node = alternatives();
    skip_space();
    return at_ == text_.size() ? node : nullptr;
  }

 private:
  NodePtr alternatives() {
    return chain("or", NodeKind::kOr, [this] { return conjunction(); });
  }
  NodePtr conjunction() {
    return chain("and", NodeKind::kAnd, [this] { return negation(); });
  }

  template <class Next>
  NodePtr chain(std::string_view word, NodeKind kind, Next next) {
    NodePtr first = next();
    if (!first || !take_word(word)) return first;
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->children.push_back(std::move(first));
    do {
      NodePtr more = next();
      if (!more) return nullptr;
      node->children.push_back(std::move(more));
    } while (take_word(word));
    return node;
  }

  NodePtr negation() {
    if (!take_word("not")) return primary();
    if (++depth_ > kMaxDepth) return nullptr;
    NodePtr inner = negation();
    --depth_;
    if (!inner) return nullptr;
    auto node = std::make_shared<Node>();
    node->kind = NodeKind::kNot;
    node->children.push_back(std::move(inner));
    return node;
  }

  NodePtr primary() {
    if (take("(")) {
      if (++depth_ > kMaxDepth) return nullptr;
      NodePtr inner = alternatives();
      --depth_;
      return inner && take(")") ? inner : nullptr;
    }
    if (at_ < text_.size() && text_[at_] == '\'') return membership();
    return comparison();
  }

  NodePtr membership() {
    auto value = quoted();
    if (!value || !take_word("in")) return nullptr;
    auto node = std::make_shared<Node>();
    node->text = *std::move(value);
    const std::string field = word();
    if (field == "parents") {
      node->kind = NodeKind::kInParents;
    } else if (among(kPeopleFields, field)) {
      node->kind = NodeKind::kFlag;
      node->field = "starred";
    } else {
      return nullptr;
    }
    return node;
  }

  NodePtr comparison() {
    auto node = std::make_shared<Node>();
    node->field = word();
    const auto sign = operation();
    if (!sign) return nullptr;
    node->comparison = *sign;
    if (among(kFlagFields, node->field)) return finish_flag(node);
    auto value = quoted();
    if (!value) return nullptr;
    node->text = *std::move(value);
    if (among(kTextFields, node->field)) {
      node->kind = NodeKind::kText;
      return *sign <= Comparison::kContains ? node : nullptr;
    }
    if (!among(kTimeFields, node->field) || *sign == Comparison::kContains) return nullptr;
    const bool has_zone = node->text.ends_with('Z') || node->text.find_first_of("+-", 10) != std::string::npos;
    const auto time = from_rfc3339(has_zone ? node->text : node->text + "Z");
    if (!time) return nullptr;
    node->kind = NodeKind::kTime;
    node->time = *time;
    return node;
  }

  NodePtr finish_flag(const std::shared_ptr<Node>& node) {
    node->kind = NodeKind::kFlag;
    if (node->comparison != Comparison::kEqual && node->comparison != Comparison::kNotEqual) return nullptr;
    const std::string value = word();
    if (value != "true" && value != "false") return nullptr;
    node->flag = (value == "true") == (node->comparison == Comparison::kEqual);
    return node;
  }

  std::optional<Comparison> operation() {
    if (take_word("contains")) return Comparison::kContains;
    if (take("!=")) return Comparison::kNotEqual;
    if (take("<=")) return Comparison::kLessOrEqual;
    if (take(">=")) return Comparison::kGreaterOrEqual;
    if (take("=")) return Comparison::kEqual;
    if (take("<")) return Comparison::kLess;
    if (take(">")) return Comparison::kGreater;
    return std::nullopt;
  }

  std::optional<std::string> quoted() {
    if (!take("'")) return std::nullopt;
    std::string value;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\'') {
        ++at_;
        return value;
      }
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      value += text_[at_];
    }
    return std::nullopt;
  }

  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool take(std::string_view sign) {
    skip_space();
    if (!text_.substr(at_).starts_with(sign)) return false;
    at_ += sign.size();
    return true;
  }
  std::string word() {
    skip_space();
    const std::size_t from = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '.')) ++at_;
    return std::string(text_.substr(from, at_ - from));
  }
  bool take_word(std::string_view wanted) {
    const std::size_t before = at_;
    if (word() == wanted) return true;
    at_ = before;
    return false;
  }

  static constexpr int kMaxDepth = 100;

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

std::string_view text_field(const DriveItem& item, std::string_view field) {
  if (field == "mimeType") return item.mime_type;
  if (field == "shortcutDetails.targetId") return item.target.id;
  return item.name;
}

// For names, Drive finds whole words by their beginning; for MIME types, a beginning.
bool contains(const Node& node, std::string_view value) {
  if (node.field == "mimeType") return value.starts_with(node.text);
  const std::string text = to_lower_ascii(value);
  const std::string wanted = to_lower_ascii(node.text);
  for (std::size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) {
    if (at == 0 || !std::isalnum(static_cast<unsigned char>(text[at - 1]))) return true;
  }
  return false;
}

bool compare_text(const Node& node, std::string_view value) {
  if (node.comparison == Comparison::kContains) return contains(node, value);
  return (value == node.text) == (node.comparison == Comparison::kEqual);
}

bool compare_time(const Node& node, Timestamp value) {
  switch (node.comparison) {
    case Comparison::kEqual:
      return value == node.time;
    case Comparison::kNotEqual:
      return value != node.time;
    case Comparison::kLess:
      return value < node.time;
    case Comparison::kLessOrEqual:
      return value <= node.time;
    case Comparison::kGreater:
      return value > node.time;
    case Comparison::kGreaterOrEqual:
      return value >= node.time;
    case Comparison::kContains:
      return false;
  }
  return false;
}

bool holds(const Node& node, const DriveItem& item, std::string_view root_id) {
  switch (node.kind) {
    case NodeKind::kAnd:
      for (const NodePtr& child : node.children) {
        if (!holds(*child, item, root_id)) return false;
      }
      return true;
    case NodeKind::kOr:
      for (const NodePtr& child : node.children) {
        if (holds(*child, item, root_id)) return true;
      }
      return false;
    case NodeKind::kNot:
      return !holds(*node.children.front(), item, root_id);
    case NodeKind::kInParents:
      return !item.parent_id.empty() && item.parent_id == (node.text == "root" ? root_id : std::string_view(node.text));
    case NodeKind::kText:
      return compare_text(node, text_field(item, node.field));
    case NodeKind::kTime:
      return compare_time(node, node.field == "createdTime" ? item.created : item.modified);
    case NodeKind::kFlag:
      return (node.field == "trashed" && item.trashed) == node.flag;
  }
  return false;
}

bool mentions_parents(const Node& node) {
  if (node.kind == NodeKind::kInParents) return true;
  for (const NodePtr& child : node.children) {
    if (mentions_parents(*child)) return true;
  }
  return false;
}

bool several_parents(const Node& node) {
  int alternatives = 0;
  for (const NodePtr& child : node.children) {
    if (several_parents(*child)) return true;
    if (node.kind == NodeKind::kOr && mentions_parents(*child)) ++alternatives;
  }
  return alternatives > 1;
}

std::optional<std::string> bound_parent(const Node& node) {
  if (node.kind == NodeKind::kInParents) return node.text;
  if (node.kind != NodeKind::kAnd) return std::nullopt;
  for (const NodePtr& child : node.children) {
    if (auto parent = bound_parent(*child)) return parent;
  }
  return std::nullopt;
}

}  // namespace

std::optional<FileQuery> FileQuery::parse(std::string_view text) {
  FileQuery query;
  if (trim(text).empty()) return query;
  query.root_ = Parser(text).parse();
  if (!query.root_) return std::nullopt;
  return query;
}

bool FileQuery::matches(const DriveItem& item, std::string_view root_id) const {
  return !root_ || holds(*root_, item, root_id);
}

std::optional<std::string> FileQuery::parent() const {
  return root_ ? bound_parent(*root_) : std::nullopt;
}

bool FileQuery::asks_for_several_parents() const {
  return root_ && several_parents(*root_);
}

}  // namespace imgimport::emulator
