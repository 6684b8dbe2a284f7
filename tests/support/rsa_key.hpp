// Private keys made for one test run, so that no key lies in the repository.
#pragma once

#include <string>

namespace imgimport::test {

// 2048-bit RSA, PKCS #8 PEM; made once per process.
const std::string& make_rsa_key_pem();
// A P-256 key: readable, but of the wrong kind for RS256.
std::string make_ec_key_pem();

}  // namespace imgimport::test
