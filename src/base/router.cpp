#include <algorithm>
#include <exception>
#include <utility>

#include "base/http_error.hpp"
#include "base/text.hpp"
#include "imgimport/http.hpp"

namespace imgimport {
namespace {

// What a segment of a pattern is. Of two patterns that fit a path, the one that is lower at the first difference wins.
enum class SegmentKind : char { kLiteral = 1, kName, kRest };

struct Segment {
  SegmentKind kind = SegmentKind::kLiteral;
  std::string_view text;  // the literal, or the name
};

// Takes the segment after a leading "/" off `path`.
std::string_view take_segment(std::string_view& path) {
  const auto end = std::min(path.find('/', 1), path.size());
  const std::string_view segment = path.substr(1, end - 1);
  path.remove_prefix(end);
  return segment;
}

Segment parse_segment(std::string_view text) {
  if (text.size() < 3 || text.front() != '{' || text.back() != '}') return {SegmentKind::kLiteral, text};
  const std::string_view name = text.substr(1, text.size() - 2);
  if (name.ends_with("...")) return {SegmentKind::kRest, name.substr(0, name.size() - 3)};
  return {SegmentKind::kName, name};
}

bool same_segment(std::string_view literal, std::string_view raw) {
  if (literal == raw) return true;
  if (raw.find('%') == std::string_view::npos) return false;
  const auto decoded = percent_decode(raw);
  return decoded && *decoded == literal;
}

bool fits(std::string_view pattern, std::string_view path) {
  while (!pattern.empty()) {
    if (path.empty()) return false;
    const Segment segment = parse_segment(take_segment(pattern));
    if (segment.kind == SegmentKind::kRest) return true;
    const std::string_view raw = take_segment(path);
    if (segment.kind == SegmentKind::kName ? raw.empty() : !same_segment(segment.text, raw)) return false;
  }
  return path.empty();
}

bool is_more_specific(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const SegmentKind of_a = parse_segment(take_segment(a)).kind;
    const SegmentKind of_b = parse_segment(take_segment(b)).kind;
    if (of_a != of_b) return of_a < of_b;
  }
  return false;
}

std::vector<std::pair<std::string, std::string>> arguments(std::string_view pattern, std::string_view path) {
  std::vector<std::pair<std::string, std::string>> args;
  while (!pattern.empty()) {
    const Segment segment = parse_segment(take_segment(pattern));
    const std::string_view raw = segment.kind == SegmentKind::kRest ? path.substr(1) : take_segment(path);
    if (segment.kind == SegmentKind::kLiteral) continue;
    args.emplace_back(std::string(segment.text), percent_decode(raw).value_or(std::string(raw)));
  }
  return args;
}

std::vector<HttpMethod> methods_of(const std::vector<Router::Route>& routes, std::string_view path) {
  std::vector<HttpMethod> methods;
  const auto add = [&](HttpMethod method) {
    if (std::find(methods.begin(), methods.end(), method) == methods.end()) methods.push_back(method);
  };
  for (const Router::Route& route : routes) {
    if (!fits(route.pattern, path)) continue;
    add(route.method);
    if (route.method == HttpMethod::kGet) add(HttpMethod::kHead);
  }
  return methods;
}

bool has_pattern_for(const std::vector<Router::Route>& routes, std::string_view path) {
  return std::any_of(routes.begin(), routes.end(),
                     [path](const Router::Route& route) { return fits(route.pattern, path); });
}

HttpAsyncHandler answering(HttpHandler handler) {
  return
      [handler = std::move(handler)](const CallContext& context, const HttpRequest& request, HttpResponder responder) {
        try {
          responder.send(handler(context, request));
        } catch (const std::exception& failure) {
          responder.send(error_response(Error(ErrorCode::kInternal, failure.what()), request));
        }
      };
}

}  // namespace

void Router::handle(HttpMethod method, std::string pattern, HttpHandler handler, HttpRouteOptions options) {
  handle_async(method, std::move(pattern), answering(std::move(handler)), options);
}

void Router::set_fallback(std::function<bool(std::string_view path)> takes, HttpHandler handler,
                          HttpRouteOptions options) {
  fallback_takes_ = std::move(takes);
  fallback_ = Route{HttpMethod::kGet, "/{path...}", answering(std::move(handler)), options};
}

void Router::handle_async(HttpMethod method, std::string pattern, HttpAsyncHandler handler, HttpRouteOptions options) {
  routes_.push_back(Route{method, std::move(pattern), std::move(handler), options});
}

void Router::set_guard(HttpGuard guard) {
  guard_ = std::move(guard);
}

Router::Match Router::match(HttpMethod method, std::string_view path) const {
  Match match;
  if (path.empty() || path.front() != '/') return match;
  if (path.size() > 2 && path.back() == '/' && !has_pattern_for(routes_, path)) {
    const std::string_view without = path.substr(0, path.size() - 1);
    if (has_pattern_for(routes_, without)) path = without;
  }
  const Route* best = nullptr;
  const Route* best_for_get = nullptr;
  for (const Route& route : routes_) {
    const bool answers_head = method == HttpMethod::kHead && route.method == HttpMethod::kGet;
    if (route.method != method && !answers_head) continue;
    if (!fits(route.pattern, path)) continue;
    const Route*& rival = answers_head ? best_for_get : best;
    if (rival == nullptr || is_more_specific(route.pattern, rival->pattern)) rival = &route;
  }
  match.route = best != nullptr ? best : best_for_get;
  if (match.route == nullptr) {
    match.allowed = methods_of(routes_, path);
    const bool reads = method == HttpMethod::kGet || method == HttpMethod::kHead;
    if (reads && match.allowed.empty() && fallback_ && fallback_takes_(path)) match.route = &*fallback_;
    return match;
  }
  match.path_args = arguments(match.route->pattern, path);
  return match;
}

}  // namespace imgimport
