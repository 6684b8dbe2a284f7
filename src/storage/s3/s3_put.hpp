// One PUT of an object, apart from who sends it: the store itself, or the holder of a ticket. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "imgimport/blob.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/http.hpp"
#include "imgimport/object_store.hpp"
#include "storage/s3/s3_error.hpp"

namespace imgimport {

// The largest object that one PUT may make.
inline constexpr std::uint64_t kMaxS3PutBytes = 5ULL << 30;

// What the settings ask of every object; empty = the bucket's default.
struct S3ObjectSettings {
  std::string storage_class;
  std::string encryption;         // "AES256", "aws:kms"
  std::string encryption_key_id;  // of KMS
};

// Which checksum the bucket is told in a header. Only one ever: R2 refuses a request with two of them
// (https://github.com/vectordotdev/vector/issues/23029), and B2 one with any x-amz-checksum header
// (https://github.com/iterate-ch/cyberduck/issues/16107), where Content-MD5 must do.
enum class S3ChecksumHeader : std::uint8_t {
  kSha256 = 1,  // x-amz-checksum-sha256, which the bucket checks and keeps; Content-MD5 where only an MD5 is known
  kMd5,         // Content-MD5
};

// All headers that say what is put, to be signed: the type, the checksum, storage class and encryption.
HttpHeaders s3_put_headers(const S3ObjectSettings& settings, const PutOptions& options, S3ChecksumHeader checksum);

// What the signature says of the bytes: their SHA-256 where it is known, else that it says nothing.
std::string s3_payload_hash(const ContentHashes& promised);

// What was sent, for reading the answer.
struct S3PutSent {
  S3Request request;  // for error texts; a ticket's holder knows bucket, key and endpoint, and may leave the rest empty
  std::uint64_t size_bytes = 0;
  ContentHashes promised;  // told to the bucket in the headers: it has checked them
  ContentHashes computed;  // of what was sent, beyond those
};

// The answer to a PUT: what is stored now, or why not. An answer of 200 is a success only with an ETag, and when its
// body is no error document and its checksum, where it names one, is that of the bytes (kCorrupt, checksum_mismatch).
// Where nothing was promised and an MD5 was computed, the ETag is held against it, if it is a plain MD5.
Result<ObjectInfo> s3_put_result(const S3PutSent& sent, const S3Refusal& answer);

// The MD5 that an ETag is for objects which one PUT has made, in lower-case hex; empty where it is something else
// (several parts, a KMS key, a customer's key).
std::string md5_in_etag(const HttpHeaders& headers);

// The SHA-256 of the whole object that S3 keeps, in lower-case hex; empty where it keeps none or one made of parts'.
std::string sha256_in_checksum(const HttpHeaders& headers);

}  // namespace imgimport
