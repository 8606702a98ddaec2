// SPDX-License-Identifier: MIT
// Certificates for tests, made by the command openssl when they are needed, in a directory of their
// own that goes with this object.
#pragma once

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace nexus::idempotency::test {

// <name>.pem and <name>.key for each of: ca, and by it localhost (also for 127.0.0.1), elsewhere
// (for elsewhere.test), expired (for localhost, until yesterday), client; and other_ca, which
// nobody uses.
class TlsFiles {
 public:
  TlsFiles() {
    std::array<char, 32> name{"/tmp/nexus_tls.XXXXXX"};
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    directory_ = name.data();
    std::ofstream(directory_ / "make.sh") << script;
    const std::string command = "cd " + directory_.string() + " && bash make.sh >log 2>&1";
    // NOLINTNEXTLINE(concurrency-mt-unsafe,cert-env33-c)
    if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl: " + log());
    // The server may be another user's.
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      std::filesystem::permissions(entry, std::filesystem::perms(0644));
    }
    std::filesystem::permissions(directory_, std::filesystem::perms(0755));
  }
  ~TlsFiles() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  TlsFiles(const TlsFiles&) = delete;
  TlsFiles& operator=(const TlsFiles&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const {
    return (directory_ / name).string();
  }

  // Returns: settings of a server with that certificate, which also takes TLS at `port`; `clients`:
  // whether they need a certificate, "yes" or "no".
  [[nodiscard]] std::vector<std::string> settings(int port, const std::string& name = "localhost",
                                                  const std::string& clients = "no") const {
    return {"--tls-port",         std::to_string(port),
            "--tls-cert-file",    file(name + ".pem"),
            "--tls-key-file",     file(name + ".key"),
            "--tls-ca-cert-file", file("ca.pem"),
            "--tls-auth-clients", clients};
  }

 private:
  static constexpr const char* script = R"(set -eu
key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
for ca in ca other_ca; do
  openssl req -x509 "${key[@]}" -keyout $ca.key -out $ca.pem -days 30 -subj /CN=$ca
done
make() { # <name> <days> <alternative names>
  openssl req "${key[@]}" -keyout "$1.key" -out "$1.csr" -subj /CN=test
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$2" -out "$1.pem" \
    -extfile <(echo "subjectAltName=$3")
}
make localhost 30 DNS:localhost,IP:127.0.0.1
make elsewhere 30 DNS:elsewhere.test
make expired -1 DNS:localhost,IP:127.0.0.1
make client 30 DNS:client
openssl ec -in client.key -aes128 -passout pass:secret -out locked.key
)";

  [[nodiscard]] std::string log() const {
    std::ifstream in(directory_ / "log");
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  std::filesystem::path directory_;
};

}  // namespace nexus::idempotency::test
