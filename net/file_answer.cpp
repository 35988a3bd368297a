#include "net/file_answer.hpp"

#include <algorithm>
#include <string>

#include <sys/random.h>

#include <ringfort/answers.hpp>
#include <ringfort/target.hpp>

#include "http/conditions.hpp"
#include "http/content_type.hpp"
#include "http/date.hpp"
#include "http/file_path.hpp"
#include "http/negotiation.hpp"
#include "http/short_text.hpp"
#include "net/exchange_state.hpp"

namespace ringfort::net {

namespace {

using http::ByteRanges;
using http::ContentCoding;

constexpr std::size_t path_bytes_max = 4'096; // PATH_MAX: no longer one can be opened.

http::MultipartRanges::Boundary random_boundary() noexcept {
  std::array<std::uint8_t, 16> random{};
  (void)!::getrandom(random.data(), random.size(), 0); // 256 bytes or less are never refused.
  http::MultipartRanges::Boundary boundary;
  for (std::size_t at = 0; at < boundary.size(); ++at) {
    const unsigned nibble = (unsigned{random[at / 2]} >> (at % 2 * 4)) & 15U;
    boundary[at] = "0123456789abcdef"[nibble];
  }
  return boundary;
}

/// The fields of a response, in their order. Borrow: what is added.
class FieldList {
public:
  void add(std::string_view name, std::string_view value) noexcept {
    if (!value.empty()) fields_[count_++] = {name, value};
  }
  std::span<const Field> all() const noexcept { return {fields_.data(), count_}; }

private:
  std::array<Field, 10> fields_;
  std::size_t count_ = 0;
};

/// One path's way to its answer. Where: on the stack of begin_file().
class Lookup {
public:
  Lookup(Exchange& exchange, const FileRoot& root, FileAnswer& answer) noexcept
      : exchange_(exchange), root_(root), answer_(answer) {}

  std::optional<BodyWriter> run(std::string_view encoded) {
    if (!find(encoded)) return {};
    type_ = &http::content_type_of({path_.data(), path_bytes_});
    choose_coding();
    describe();
    if (!preconditions_hold()) return {};
    return send(wanted_ranges());
  }

private:
  bool is_head() const noexcept { return exchange_.head().method == Method::head; }

  bool refuse(int status, std::string_view text) {
    answer_text(exchange_, status, text);
    return false;
  }

  /// Opens the file, or answers why there is none.
  bool find(std::string_view encoded) {
    const auto space = std::span(path_).first(path_.size() - ending_bytes_max);
    const auto decoded = http::decode_file_path(encoded, root_.options().dot_files, space);
    if (decoded.kind == http::FilePath::Kind::malformed) {
      return refuse(400, "the path is not valid percent-encoding\n");
    }
    if (decoded.kind == http::FilePath::Kind::absent) return refuse(404, "not found\n");
    path_bytes_ = decoded.bytes;
    answer_.file = opened({});
    if (answer_.file.kind() == OpenFile::Kind::directory && !find_index()) return false;
    switch (answer_.file.kind()) {
    case OpenFile::Kind::regular: return true;
    case OpenFile::Kind::forbidden: return refuse(403, "forbidden\n");
    case OpenFile::Kind::no_room: return refuse(503, "no room for another file\n");
    default: return refuse(404, "not found\n");
    }
  }

  /// The file at the path with this ending. Afterwards the path is as it was.
  OpenFile opened(std::string_view ending) noexcept {
    if (path_bytes_ + ending.size() >= path_.size()) return {};
    path_[path_bytes_ + ending.copy(path_.data() + path_bytes_, ending.size())] = '\0';
    OpenFile file = root_.open(path_.data());
    path_[path_bytes_] = '\0';
    return file;
  }

  bool find_index() {
    const bool is_root = path_bytes_ == 0;
    if (!is_root && path_[path_bytes_ - 1] != '/') {
      redirect_to_directory();
      return false;
    }
    const std::string& index = root_.options().index;
    if (index.empty() || path_bytes_ + index.size() + ending_bytes_max > path_.size()) {
      return refuse(404, "not found\n");
    }
    path_bytes_ += index.copy(path_.data() + path_bytes_, index.size());
    answer_.file = opened({});
    if (answer_.file.kind() == OpenFile::Kind::directory) answer_.file = {};
    return true;
  }

  /// Relative names in a directory's index mean files in it only behind a slash.
  void redirect_to_directory() {
    const std::string_view target = exchange_.head().target;
    std::string_view path = path_of(target);
    while (path.starts_with("//")) path.remove_prefix(1); // Two would begin another host's name.
    std::string location(path);
    if (!location.ends_with('/')) location.append("/");
    if (const auto query = query_of(target); !query.empty()) location.append("?").append(query);
    redirect(exchange_, 301, location);
  }

  void choose_coding() noexcept {
    negotiated_ = root_.options().precompressed && !type_->compressed;
    if (!negotiated_) return;
    const http::CodingPreference preference(exchange_.fields());
    for (const ContentCoding coding : preference.order()) {
      if (coding == ContentCoding::identity) return;
      OpenFile sibling = opened(coding == ContentCoding::brotli ? ".br" : ".gz");
      if (sibling.kind() != OpenFile::Kind::regular) continue;
      answer_.file = std::move(sibling);
      coding_ = coding;
      return;
    }
  }

  std::string_view coding_name() const noexcept {
    if (coding_ == ContentCoding::identity) return {};
    return coding_ == ContentCoding::brotli ? "br" : "gzip";
  }

  /// ETag and Last-Modified of what would be sent.
  void describe() noexcept {
    now_ = static_cast<const ExchangeState&>(exchange_).unix_seconds();
    const timespec& modified = answer_.file.modified();
    // What was changed a moment ago may change again without another time (section 8.8.1).
    constexpr std::int64_t settled_after_s = 2;
    if (modified.tv_sec > now_ - settled_after_s) entity_tag_.add("W/");
    constexpr std::uint64_t ns_per_s = 1'000'000'000; // Wraps far from now, and still tells apart.
    entity_tag_.add("\"").add(static_cast<std::uint64_t>(modified.tv_sec) * ns_per_s +
                                  static_cast<std::uint64_t>(modified.tv_nsec),
                              16);
    entity_tag_.add("-").add(answer_.file.size(), 16);
    if (coding_ != ContentCoding::identity) entity_tag_.add("-").add(coding_name());
    entity_tag_.add("\"");
    // A time to come would be a lie (section 8.8.2.1).
    last_modified_ = std::clamp<std::int64_t>(modified.tv_sec, 0, now_);
    last_modified_text_ = http::date_text(last_modified_);
  }

  http::Validators validators() const noexcept {
    return {.entity_tag = entity_tag_.view(), .last_modified = last_modified_, .now = now_};
  }

  bool preconditions_hold() {
    const Method method = exchange_.head().method;
    switch (http::evaluate(method, exchange_.fields(), validators())) {
    case http::Precondition::holds: return true;
    case http::Precondition::failed: return refuse(412, "the file is another one by now\n");
    case http::Precondition::not_modified: break;
    }
    FieldList fields;
    fields.add("etag", entity_tag_.view());
    add_caching(fields);
    exchange_.respond(304, fields.all());
    return false;
  }

  void add_caching(FieldList& fields) const noexcept {
    fields.add("cache-control", root_.options().cache_control);
    if (negotiated_) fields.add("vary", "accept-encoding");
  }

  /// HEAD is answered as GET without Range (section 14.2).
  ByteRanges wanted_ranges() const noexcept {
    const Fields fields = exchange_.fields();
    const bool asks = !is_head() && fields.count("range") == 1;
    if (!asks || !http::range_applies(fields, validators())) return {};
    return ByteRanges(*fields.find("range"), answer_.file.size());
  }

  std::optional<BodyWriter> send(const ByteRanges& ranges) {
    const std::uint64_t size = answer_.file.size();
    const auto wanted = ranges.all();
    FieldList fields;
    http::ContentRange content_range;
    if (ranges.kind() == ByteRanges::Kind::unsatisfiable) {
      content_range = http::unsatisfied_range(size);
      fields.add("content-type", "text/plain; charset=utf-8");
      fields.add("content-range", content_range.view());
      exchange_.respond(416, fields.all(), Payload::forever("the file has no such range\n"));
      return {};
    }
    http::MultipartRanges::Text multipart_type;
    if (wanted.size() > 1) {
      answer_.parts.emplace(random_boundary(), type_->type, size);
      multipart_type = answer_.parts->content_type();
    } else if (wanted.size() == 1) {
      content_range = http::content_range(wanted.front(), size);
    }
    fields.add("content-type", wanted.size() > 1 ? multipart_type.view() : type_->type);
    fields.add("content-range", content_range.view());
    fields.add("content-encoding", coding_name());
    fields.add("accept-ranges", "bytes");
    fields.add("etag", entity_tag_.view());
    fields.add("last-modified", {last_modified_text_.data(), last_modified_text_.size()});
    add_caching(fields);
    return exchange_.stream(wanted.empty() ? 200 : 206, fields.all(), set_out(wanted));
  }

  /// What the coroutine writes; answers the length of the body.
  std::uint64_t set_out(std::span<const http::ByteRange> wanted) noexcept {
    const std::uint64_t size = answer_.file.size();
    std::ranges::copy(wanted, answer_.ranges.begin());
    answer_.range_count = wanted.size();
    if (wanted.empty() && size > 0 && !is_head()) {
      answer_.ranges[answer_.range_count++] = {0, size - 1};
    }
    if (answer_.parts) return answer_.parts->content_length(wanted);
    return wanted.empty() ? size : wanted.front().bytes();
  }

  static constexpr std::size_t ending_bytes_max = 4; // ".br" or ".gz", and the NUL.

  Exchange& exchange_;
  const FileRoot& root_;
  FileAnswer& answer_;
  std::array<char, path_bytes_max> path_;
  std::size_t path_bytes_ = 0;
  const http::ContentType* type_ = nullptr;
  bool negotiated_ = false;
  ContentCoding coding_ = ContentCoding::identity;
  std::int64_t now_ = 0;
  std::int64_t last_modified_ = 0;
  http::ShortText<64> entity_tag_;
  http::DateText last_modified_text_{};
};

bool refused_method(Exchange& exchange) {
  const Method method = exchange.head().method;
  if (method == Method::get || method == Method::head) return false;
  const std::array fields{Field{"content-type", "text/plain; charset=utf-8"},
                          Field{"allow", "GET, HEAD"}};
  exchange.respond(405, fields, Payload::forever("a file answers GET and HEAD\n"));
  return true;
}

} // namespace

std::optional<BodyWriter> begin_file(Exchange& exchange, const FileRoot& root,
                                     std::string_view path, FileAnswer& answer) {
  if (refused_method(exchange)) return {};
  return Lookup(exchange, root, answer).run(path);
}

} // namespace ringfort::net
