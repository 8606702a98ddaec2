// SPDX-License-Identifier: MIT
// A store of your own: implement the four methods of IdempotencyStore, and let the conformance
// suite of the library tell whether they are right.
//
// This one keeps its records in a map and adds every change as a line to a journal, which is on
// the disk before the call returns; opening the journal reads the map back. It is for one process
// at a time, and a lock on the file holds it to that. What it lacks for heavy use: the journal only
// grows, has no checksums, and every write waits for a sync of its own.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <new>
#include <nexus/idempotency.hpp>
#include <nexus/idempotency/testing/store_conformance.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

using namespace nexus::idempotency;

// A line is words with blanks between them. Texts and results may hold any byte, so they are
// written in hexadecimal; a word that is not, such as "omitted", can't be mistaken for bytes.
std::string hex(std::string_view bytes) {
  std::string digits;
  for (const char byte : bytes) {
    digits += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
    digits += "0123456789abcdef"[static_cast<unsigned char>(byte) & 0xF];
  }
  return digits;
}

// Returns: the number that is written in all of `word`. Errors: std::invalid_argument.
template <class Number>
Number number(std::string_view word, int base = 10) {
  Number value{};
  const char* const end = word.data() + word.size();
  const auto [stopped, error] = std::from_chars(word.data(), end, value, base);
  if (error != std::errc() || stopped != end) throw std::invalid_argument("not a number");
  return value;
}
std::string unhex(std::string_view digits) {
  std::string bytes;
  for (; !digits.empty(); digits.remove_prefix(std::min<std::size_t>(digits.size(), 2))) {
    bytes += static_cast<char>(number<unsigned char>(digits.substr(0, 2), 16));
  }
  return bytes;
}

void write_key(std::ostream& line, const IdempotencyKey& key) {
  line << ' ' << hex(key.tenant().value()) << ' ' << hex(key.operation().value()) << ' '
       << hex(key.client_key().value());
}
IdempotencyKey read_key(std::istream& line) {
  std::string tenant, operation, client_key;
  line >> tenant >> operation >> client_key;
  return {TenantId(unhex(tenant)), OperationRef(unhex(operation)), ClientKey(unhex(client_key))};
}

std::string saved_line(const IdempotencyRecord& record) {
  const auto time = [](Timestamp t) { return std::to_string(t.time_since_epoch().count()); };
  std::ostringstream line;
  line << "saved";
  write_key(line, record.key);
  line << ' ' << static_cast<int>(record.status) << ' ' << hex(record.fingerprint.value()) << ' '
       << hex(record.attempt_token.value()) << ' ' << record.fence << ' ';
  if (!record.result)
    line << "none";
  else if (record.result->is_omitted())
    line << "omitted";
  else
    line << hex(record.result->payload());
  line << ' ' << time(record.created_at) << ' ' << time(record.last_transition_at) << ' '
       << (record.expires_at ? time(*record.expires_at) : "never") << '\n';
  return line.str();
}
IdempotencyRecord read_record(std::istream& line) {
  const auto time = [](const std::string& word) {
    return Timestamp{Duration{number<Duration::rep>(word)}};
  };
  const IdempotencyKey key = read_key(line);
  std::string status, fingerprint, token, fence, result, created, changed, expires;
  line >> status >> fingerprint >> token >> fence >> result >> created >> changed >> expires;
  IdempotencyRecord record{key,
                           static_cast<RecordStatus>(number<int>(status)),
                           RequestFingerprint(unhex(fingerprint)),
                           AttemptToken(unhex(token)),
                           number<std::uint64_t>(fence),
                           std::nullopt,
                           time(created),
                           time(changed),
                           std::nullopt};
  if (result == "omitted")
    record.result = ResultEnvelope::omitted();
  else if (result != "none")
    record.result = ResultEnvelope(unhex(result));
  if (expires != "never") record.expires_at = time(expires);
  return record;
}

struct File {
  int descriptor;
  File(const std::filesystem::path& path, int flags)
      : descriptor(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(descriptor); }
};

class Journal {
 public:
  // Calls `apply` with each line that is there. A last line without its end is a write that a crash
  // cut short; nobody was told that it had been done, so it is cut off.
  template <class Apply>
  Journal(const std::filesystem::path& path, Apply apply)
      : file_(path, O_WRONLY | O_APPEND | O_CREAT) {
    const File directory(path.parent_path(), O_RDONLY);
    if (::flock(file_.descriptor, LOCK_EX | LOCK_NB) != 0 ||
        ::fsync(directory.descriptor) != 0) {  // a new file's name must outlive a crash as well
      throw StoreError(StoreErrc::misconfigured, "the journal is in use, or can't be opened");
    }
    std::ifstream in(path, std::ios::binary);
    off_t whole = 0;
    for (std::string line; std::getline(in, line) && !in.eof();) {
      std::istringstream words(line);
      apply(words);
      whole += static_cast<off_t>(line.size() + 1);
    }
    if (in.bad() || ::ftruncate(file_.descriptor, whole) != 0) {
      throw StoreError(StoreErrc::unavailable, "the journal can't be read, or not be cut");
    }
  }

  // When it returns, the lines are on the disk. When it throws, they may be, and it is no longer
  // known what a further line would follow: the journal must be opened again first.
  void append(const std::string& lines) {
    if (broken_) throw StoreError(StoreErrc::unavailable, "the journal must be opened again");
    const ssize_t written = ::write(file_.descriptor, lines.data(), lines.size());
    broken_ = written != static_cast<ssize_t>(lines.size()) || ::fdatasync(file_.descriptor) != 0;
    if (broken_) throw StoreError(StoreErrc::in_doubt, "the journal could not be written");
  }

 private:
  File file_;
  bool broken_ = false;
};

class FileStore final : public IdempotencyStore {
 public:
  explicit FileStore(const std::filesystem::path& path)
      : journal_(path, [this](std::istream& line) { apply(line); }) {}

  std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override {
    const std::lock_guard lock(mutex_);
    const auto at = records_.find(key);
    if (at == records_.end()) return std::nullopt;
    return at->second;
  }

  ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    const std::lock_guard lock(mutex_);
    const auto [at, absent] = records_.try_emplace(candidate.key, candidate);
    if (!absent) return {at->second};
    try {
      journal_.append(saved_line(candidate));
    } catch (...) {
      records_.erase(at);
      throw;
    }
    return {};
  }

  bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    const std::lock_guard lock(mutex_);
    const auto at = records_.find(next.key);
    if (at == records_.end() || !holds(guard, at->second)) return false;
    IdempotencyRecord& stored = at->second;
    IdempotencyRecord written = next;
    const bool renewal = stored.status == RecordStatus::pending &&
                         next.status == RecordStatus::pending &&
                         stored.attempt_token == next.attempt_token;
    if (renewal && written.expires_at) {  // the later deadline stays, and none is the latest
      written.expires_at =
          stored.expires_at ? std::max(stored.expires_at, next.expires_at) : std::nullopt;
    }
    journal_.append(saved_line(written));
    stored = written;
    return true;
  }

  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    std::vector<IdempotencyKey> doomed;
    std::ostringstream lines;
    for (const auto& [key, record] : records_) {
      if (doomed.size() == limit) break;
      if (!record.expires_at || *record.expires_at >= before) continue;
      doomed.push_back(key);
      lines << "purged";
      write_key(lines, key);
      lines << '\n';
    }
    if (!doomed.empty()) journal_.append(lines.str());
    for (const IdempotencyKey& key : doomed) records_.erase(key);
    return doomed.size();
  }

 private:
  // Brings the map up to date with a line of the journal.
  void apply(std::istream& line) {
    try {
      std::string word;
      line >> word;
      if (word == "purged") {
        records_.erase(read_key(line));
      } else {
        const IdempotencyRecord record = read_record(line);
        records_.insert_or_assign(record.key, record);
      }
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception&) {
      throw StoreError(StoreErrc::corrupt, "a line of the journal is damaged");
    }
  }

  static bool holds(const WriteGuard& guard, const IdempotencyRecord& stored) {
    const bool is_lapsed = lapsed(stored.expires_at, guard.now, Duration::zero());
    return stored.attempt_token == guard.attempt_token && stored.fingerprint == guard.fingerprint &&
           stored.status == guard.status &&
           (guard.lease == LeaseCondition::any ||
            is_lapsed == (guard.lease == LeaseCondition::lapsed));
  }

  std::mutex mutex_;
  std::unordered_map<IdempotencyKey, IdempotencyRecord> records_;
  Journal journal_;  // after the records, which it fills
};

// [snippet]
// What the suite must know: how to make an empty store, and that it can be opened again.
class FileStoreFixture final : public testing::StoreFixture {
 public:
  explicit FileStoreFixture(std::filesystem::path directory) : directory_(std::move(directory)) {}

  std::unique_ptr<IdempotencyStore> make_store() override {
    file_ = directory_ / (std::to_string(++made_) + ".journal");
    return reopen();
  }
  std::unique_ptr<IdempotencyStore> reopen() override { return std::make_unique<FileStore>(file_); }

 private:
  std::filesystem::path directory_;
  std::filesystem::path file_;
  int made_ = 0;
};

bool conforms(const std::filesystem::path& directory) {
  FileStoreFixture fixture(directory);
  const testing::ConformanceReport report = testing::run_conformance(fixture);
  std::cout << report;  // one line a case, and a summary
  return report.passed();
}
// [/snippet]

}  // namespace

int main() {
  std::string directory = (std::filesystem::temp_directory_path() / "file_store.XXXXXX").string();
  if (::mkdtemp(directory.data()) == nullptr) {
    std::cerr << "no temporary directory\n";
    return 1;
  }
  const bool good = conforms(directory);
  std::filesystem::remove_all(directory);
  return good ? 0 : 1;
}
