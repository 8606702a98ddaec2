// SPDX-License-Identifier: MIT
// The records in Redis, and the ledger in the same Redis: so servers that share it have one ledger.
//
// The two are *not* written together. A row is appended first, by a script of ours, then the
// outcome is recorded by the store. If the server is killed between the two, the row is there and
// the claim stands; after its lease a retry executes again, and there is a second row. The fence
// keeps out an execution that was taken over and comes late, and lets one be repeated whose answer
// was lost; it can't close that window. What closes it: a ledger that itself refuses a second row
// for the same command, or one transaction for both, as in the books on SQLite and on PostgreSQL.
#include <hiredis/hiredis.h>
#include <sys/time.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <nexus/idempotency/redis/redis_store.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "books.hpp"

namespace payments {
namespace {

using Context = std::unique_ptr<redisContext, decltype(&redisFree)>;
using Reply = std::unique_ptr<redisReply, void (*)(redisReply*)>;

// The rows lie in a list, four elements each. The hash has, for each command, the fence of its last
// execution, in 20 digits (so that they compare as texts), and that execution's id.
constexpr const char* rows_key = "payments:{ledger}:rows";
constexpr const char* fences_key = "payments:{ledger}:fences";
constexpr const char* append_script = R"lua(
local last = redis.call('HGET', KEYS[2], ARGV[1])
if last then
  local fence = string.sub(last, 1, 20)
  if fence == ARGV[2] then return string.sub(last, 21) end
  if fence > ARGV[2] then return redis.error_reply('SUPERSEDED a later execution was here') end
end
local length = redis.call('RPUSH', KEYS[1], ARGV[3], ARGV[4], ARGV[5], ARGV[6])
local id = tostring(length / 4)
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. id)
return id
)lua";

// redis://[[user]:password@]host[:port][/database], host[:port], or a socket's path.
RedisStoreOptions parse(std::string url) {
  RedisStoreOptions options;
  for (const std::string scheme : {"redis://", "unix://", "unix:"}) {
    if (url.rfind(scheme, 0) == 0) url.erase(0, scheme.size());
  }
  if (url.rfind("//", 0) == 0) url.erase(0, 2);  // of --store redis://host
  if (url.rfind('/', 0) == 0) {
    options.unix_socket = url;
    return options;
  }
  if (const std::size_t at = url.rfind('@'); at != std::string::npos) {
    const std::string who = url.substr(0, at);
    url.erase(0, at + 1);
    const std::size_t colon = who.find(':');
    options.user = who.substr(0, colon);
    if (colon != std::string::npos) options.password = who.substr(colon + 1);
  }
  if (const std::size_t slash = url.find('/'); slash != std::string::npos) {
    if (slash + 1 < url.size()) options.database = std::stoi(url.substr(slash + 1));
    url.erase(slash);
  }
  if (const std::size_t colon = url.rfind(':'); colon != std::string::npos) {
    options.port = static_cast<std::uint16_t>(std::stoul(url.substr(colon + 1)));
    url.erase(colon);
  }
  if (!url.empty()) options.host = url;
  return options;
}

// The application's own code for Redis, as small as it gets.
class Session {
 public:
  explicit Session(const RedisStoreOptions& options) : context_(connect(options), &redisFree) {
    if (!works()) throw std::runtime_error("can't connect to Redis");
    redisSetTimeout(context_.get(), timeval{5, 0});
    if (!options.password.empty()) {
      run(options.user.empty() ? std::vector<std::string>{"AUTH", options.password}
                               : std::vector<std::string>{"AUTH", options.user, options.password});
    }
    if (options.database != 0) run({"SELECT", std::to_string(options.database)});
  }

  [[nodiscard]] bool works() const { return context_ && context_->err == 0; }

  // Returns: the answer; nullptr if there was none, and the command may have been executed.
  Reply try_run(const std::vector<std::string>& arguments) {
    std::vector<const char*> texts;
    std::vector<std::size_t> lengths;
    for (const std::string& argument : arguments) {
      texts.push_back(argument.data());
      lengths.push_back(argument.size());
    }
    return {static_cast<redisReply*>(redisCommandArgv(
                context_.get(), static_cast<int>(arguments.size()), texts.data(), lengths.data())),
            [](redisReply* reply) { freeReplyObject(reply); }};
  }

  Reply run(const std::vector<std::string>& arguments) {
    Reply reply = try_run(arguments);
    if (!reply || reply->type == REDIS_REPLY_ERROR) {
      throw std::runtime_error("a command on the ledger failed");
    }
    return reply;
  }

 private:
  static redisContext* connect(const RedisStoreOptions& options) {
    const timeval patience{5, 0};
    return options.unix_socket.empty()
               ? redisConnectWithTimeout(options.host.c_str(), options.port, patience)
               : redisConnectUnixWithTimeout(options.unix_socket.c_str(), patience);
  }

  Context context_;
};

class RedisBooks final : public Books {
 public:
  RedisBooks(const RedisStoreOptions& options, const IdempotencyPolicy& policy)
      : options_(options), store_(options), service_(store_, clock_, policy) {
    with_session([](Session& session) { session.run({"PING"}); });
  }

  IdempotencyService& service() override { return service_; }
  IdempotencyStore& store() override { return store_; }

  HttpResponse charge(const Charge& charge, HttpExecution* execution) override {
    if (execution == nullptr) {
      Reply length(nullptr, [](redisReply*) {});
      with_session([&](Session& session) {
        length = session.run(
            {"RPUSH", rows_key, charge.tenant, charge.operation, charge.key, charge.body});
      });
      return receipt("ch_" + std::to_string(length->integer / 4));
    }
    const Attempt& attempt = *execution->attempt();
    const std::string digits = std::to_string(attempt.fence);
    const std::vector<std::string> append = {"EVAL",
                                             append_script,
                                             "2",
                                             rows_key,
                                             fences_key,
                                             std::string(attempt.key.encoded()),
                                             std::string(20 - digits.size(), '0') + digits,
                                             charge.tenant,
                                             charge.operation,
                                             charge.key,
                                             charge.body};
    Reply reply(nullptr, [](redisReply*) {});
    // With the same fence the script appends once, so after a lost answer it is just sent again.
    for (int tries = 0; tries < 3 && !reply; ++tries) {
      try {
        with_session([&](Session& session) { reply = session.try_run(append); });
      } catch (const std::runtime_error&) {
        if (tries == 0) throw;  // nothing has been sent
        break;
      }
    }
    if (!reply) {
      // There may be a row: to report a failure would be to allow a second one at once. Nothing is
      // recorded, and the claim stands until its lease ends.
      execution->mark_recorded();
      throw std::runtime_error("the ledger did not answer");
    }
    if (reply->type != REDIS_REPLY_STRING) throw std::runtime_error("the ledger refused the row");
    return receipt("ch_" + std::string(reply->str, reply->len));
  }

  std::vector<LedgerRow> rows() override {
    std::vector<LedgerRow> rows;
    with_session([&](Session& session) {
      const Reply all = session.run({"LRANGE", rows_key, "0", "-1"});
      const auto text = [&](std::size_t i) {
        return std::string(all->element[i]->str, all->element[i]->len);
      };
      for (std::size_t i = 0; i + 4 <= all->elements; i += 4) {
        rows.push_back(
            {"ch_" + std::to_string(i / 4 + 1), {text(i), text(i + 1), text(i + 2), text(i + 3)}});
      }
    });
    return rows;
  }

 private:
  // A session that was used before, or a new one. There are never more than threads that need one.
  template <class Work>
  void with_session(Work work) {
    std::unique_ptr<Session> session;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        session = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (!session) session = std::make_unique<Session>(options_);
    work(*session);
    const std::lock_guard lock(mutex_);
    if (session->works()) idle_.push_back(std::move(session));
  }

  const RedisStoreOptions options_;
  SystemClock clock_;
  RedisIdempotencyStore store_;
  IdempotencyService service_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Session>> idle_;
};

}  // namespace

std::unique_ptr<Books> open_redis_books(const std::string& url, const IdempotencyPolicy& policy) {
  return std::make_unique<RedisBooks>(parse(url), policy);
}

}  // namespace payments
