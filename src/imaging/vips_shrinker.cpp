#include "imaging/vips_shrinker.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "imaging/raw_preview.hpp"
#include "imaging/webp_chunks.hpp"

namespace imgimport {
namespace {

constexpr const char* kLibrary = "libvips.so.42";
constexpr std::size_t kMaxReason = 200;
constexpr int kQuality = 78;
// EXIF's orientations from here on are quarter turns.
constexpr int kFirstLying = 5;
// libvips chooses by the bytes; what it would choose among is blocked as well, but for these.
constexpr std::array<std::string_view, 6> kLoaders = {"VipsForeignLoadJpegBuffer", "VipsForeignLoadPngBuffer",
                                                      "VipsForeignLoadWebpBuffer", "VipsForeignLoadNsgifBuffer",
                                                      "VipsForeignLoadTiffBuffer", "VipsForeignLoadHeifBuffer"};
// 0 to 6: beyond 2 each step costs more time than the decoding of a photograph, and saves few bytes.
constexpr int kEffort = 2;

// The functions that are used, under their own names.
struct Api {
  decltype(&::vips_init) init;
  decltype(&::vips_block_untrusted_set) block_untrusted_set;
  decltype(&::vips_operation_block_set) operation_block_set;
  decltype(&::vips_cache_set_max) cache_set_max;
  decltype(&::vips_concurrency_set) concurrency_set;
  decltype(&::vips_image_new_from_buffer) image_new_from_buffer;
  decltype(&::vips_image_get_width) image_get_width;
  decltype(&::vips_image_get_height) image_get_height;
  decltype(&::vips_image_get_typeof) image_get_typeof;
  decltype(&::vips_image_get_interpretation) image_get_interpretation;
  decltype(&::vips_image_set_int) image_set_int;
  decltype(&::vips_autorot) autorot;
  decltype(&::vips_copy) copy;
  decltype(&::vips_thumbnail_buffer) thumbnail_buffer;
  decltype(&::vips_webpsave_buffer) webpsave_buffer;
  decltype(&::vips_foreign_find_load_buffer) foreign_find_load_buffer;
  decltype(&::vips_error_buffer) error_buffer;
  decltype(&::vips_error_clear) error_clear;
  decltype(&::g_object_unref) object_unref;
  decltype(&::g_free) free;
  decltype(&::g_log_set_default_handler) log_set_default_handler;
};
Api api;

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

bool find_all(void* library) {
  return find(library, "vips_init", api.init) && find(library, "vips_block_untrusted_set", api.block_untrusted_set) &&
         find(library, "vips_operation_block_set", api.operation_block_set) &&
         find(library, "vips_cache_set_max", api.cache_set_max) &&
         find(library, "vips_concurrency_set", api.concurrency_set) &&
         find(library, "vips_image_new_from_buffer", api.image_new_from_buffer) &&
         find(library, "vips_image_get_width", api.image_get_width) &&
         find(library, "vips_image_get_height", api.image_get_height) &&
         find(library, "vips_image_get_typeof", api.image_get_typeof) &&
         find(library, "vips_image_get_interpretation", api.image_get_interpretation) &&
         find(library, "vips_image_set_int", api.image_set_int) && find(library, "vips_autorot", api.autorot) &&
         find(library, "vips_copy", api.copy) && find(library, "vips_thumbnail_buffer", api.thumbnail_buffer) &&
         find(library, "vips_webpsave_buffer", api.webpsave_buffer) &&
         find(library, "vips_foreign_find_load_buffer", api.foreign_find_load_buffer) &&
         find(library, "vips_error_buffer", api.error_buffer) && find(library, "vips_error_clear", api.error_clear) &&
         find(library, "g_object_unref", api.object_unref) && find(library, "g_free", api.free) &&
         find(library, "g_log_set_default_handler", api.log_set_default_handler);
}

Error no_decoder(std::string_view why) {
  return Error(ErrorCode::kMisconfigured, fmt::format("libvips cannot be loaded: {}", why))
      .with_reason("no_decoder")
      .with_remedy("Install libvips 8.13 or later (Debian: libvips42)");
}

struct Unref {
  void operator()(VipsImage* image) const noexcept { api.object_unref(image); }
};
using Image = std::unique_ptr<VipsImage, Unref>;

// What libvips says, in one line of plain ASCII: it may quote the image.
std::string said() {
  std::string text;
  for (const char* at = api.error_buffer(); *at != '\0' && text.size() < kMaxReason; ++at) {
    const auto byte = static_cast<unsigned char>(*at);
    text += *at == '\n' ? ';' : byte >= 0x20 && byte < 0x7f ? *at : '?';
  }
  api.error_clear();
  while (text.ends_with(';') || text.ends_with(' ')) text.pop_back();
  return text;
}

Error damaged() {
  const std::string why = said();
  return Error(ErrorCode::kCorrupt, why.empty() ? "it is damaged" : "it is damaged (" + why + ")");
}

// libvips takes it as void*, and only reads.
void* data_of(std::span<const std::byte> bytes) {
  return const_cast<std::byte*>(bytes.data());
}

bool is_of_ours(std::span<const std::byte> image) {
  const char* const loader = api.foreign_find_load_buffer(data_of(image), image.size());
  api.error_clear();
  return loader != nullptr && std::find(kLoaders.begin(), kLoaders.end(), std::string_view(loader)) != kLoaders.end();
}

struct Header {
  bool is_managed = false;  // its colours are said by a profile, or are inks: they have to be converted
};

Result<Header> read_header(std::span<const std::byte> image, std::uint64_t max_pixels) {
  const Image header(api.image_new_from_buffer(data_of(image), image.size(), "", static_cast<void*>(nullptr)));
  if (!header) return damaged();
  const auto width = static_cast<std::uint64_t>(api.image_get_width(header.get()));
  const auto height = static_cast<std::uint64_t>(api.image_get_height(header.get()));
  if (width * height > max_pixels) {
    return Error(ErrorCode::kTooLarge,
                 fmt::format("it has {} x {} pixels; {} million are the most", width, height, max_pixels / 1'000'000));
  }
  return Header{.is_managed = api.image_get_typeof(header.get(), VIPS_META_ICC_NAME) != 0 ||
                              api.image_get_interpretation(header.get()) == VIPS_INTERPRETATION_CMYK};
}

struct Box {
  int width = 0;
  int height = 0;
};

Result<Image> shrunk(std::span<const std::byte> image, const Box& box, const Header& header) {
  VipsImage* out = nullptr;
  // Without a profile it is sRGB already; by way of a profile its colours would be shifted. The list of arguments ends
  // at the first nullptr.
  const char* const profile = header.is_managed ? "export_profile" : nullptr;
  const int failed =
      api.thumbnail_buffer(data_of(image), image.size(), &out, box.width, "height", box.height, "size", VIPS_SIZE_DOWN,
                           "fail_on", VIPS_FAIL_ON_TRUNCATED, profile, "srgb", static_cast<void*>(nullptr));
  if (failed != 0) return damaged();
  return Image(out);
}

// A preview carries no orientation of its own where the raw file has it.
Result<Image> turned(Image image, int orientation) {
  VipsImage* marked = nullptr;
  if (api.copy(image.get(), &marked, static_cast<void*>(nullptr)) != 0) return damaged();
  const Image owned(marked);
  api.image_set_int(marked, VIPS_META_ORIENTATION, orientation);
  VipsImage* upright = nullptr;
  if (api.autorot(marked, &upright, static_cast<void*>(nullptr)) != 0) return damaged();
  return Image(upright);
}

Result<Picture> saved(VipsImage* image) {
  void* bytes = nullptr;
  std::size_t size = 0;
  if (api.webpsave_buffer(image, &bytes, &size, "Q", kQuality, "effort", kEffort, "strip", TRUE,
                          static_cast<void*>(nullptr)) != 0) {
    return damaged();
  }
  Picture picture;
  picture.bytes = webp_without_metadata({static_cast<const char*>(bytes), size});
  picture.width = static_cast<std::uint32_t>(api.image_get_width(image));
  picture.height = static_cast<std::uint32_t>(api.image_get_height(image));
  api.free(bytes);
  return picture;
}

void silent(const gchar*, GLogLevelFlags, const gchar*, gpointer) {}

}  // namespace

Result<VipsShrinker> VipsShrinker::load() {
  void* const library = ::dlopen(kLibrary, RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) return no_decoder(::dlerror());
  if (!find_all(library)) return no_decoder("it is older than 8.13");
  api.log_set_default_handler(silent, nullptr);
  if (api.init("imgimport") != 0) return no_decoder(said());
  api.block_untrusted_set(TRUE);
  api.operation_block_set("VipsForeignLoadMatrix", TRUE);
  api.cache_set_max(0);
  api.concurrency_set(1);
  return VipsShrinker();
}

Result<Picture> VipsShrinker::shrink(std::span<const std::byte> image, const ShrinkOrder& order,
                                     std::uint64_t max_pixels) const {
  int orientation = 1;
  if (order.is_raw) {
    const RawPreview preview = find_raw_preview(image);
    if (preview.jpeg.empty()) return Error(ErrorCode::kUnsupported, "the camera put no preview into it");
    image = preview.jpeg;
    orientation = preview.orientation;
  }
  if (!is_of_ours(image)) return Error(ErrorCode::kUnsupported, "it is in a format that no thumbnails are made of");
  IMGIMPORT_ASSIGN_OR_RETURN(const Header header, read_header(image, max_pixels));
  const int width = static_cast<int>(order.width);
  const bool is_lying = orientation >= kFirstLying;
  const Box box = is_lying ? Box{width * 2, width} : Box{width, width * 2};
  IMGIMPORT_ASSIGN_OR_RETURN(Image small, shrunk(image, box, header));
  if (orientation != 1) {
    IMGIMPORT_ASSIGN_OR_RETURN(small, turned(std::move(small), orientation));
  }
  return saved(small.get());
}

}  // namespace imgimport
