// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_REDIS_STORE_HPP
#define NEXUS_IDEMPOTENCY_REDIS_REDIS_STORE_HPP

// Component redis: a store in Redis (7.0 or later), Valkey or a Redis Cluster, for services on any
// number of hosts. What of it outlives a crash or a failover is up to how the server is run: by
// default Redis loses the last minutes. Read "Durability" below before money depends on it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// All durations are rounded up to milliseconds, and must be more than zero.
struct RedisStoreOptions {
  // Where the server is. A socket, if there is one, goes before host and port.
  std::string host = "127.0.0.1";
  std::uint16_t port = 6379;
  std::string unix_socket;

  // Whether host and port are of any node of a Redis Cluster. The others are found from there, and
  // must be reachable by the addresses that the nodes announce.
  bool cluster = false;

  // For AUTH; without a user it is the server's default one. Neither is in any message.
  std::string user;
  std::string password;
  // The database's number. A cluster has only 0.
  int database = 0;

  // What every key in the server begins with; then comes the key's encoded(). At most 256 bytes.
  std::string prefix = "nexus_idempotency:";

  // How long a record stays in the server after its deadline, so that a slow owner finds it, and
  // clocks may differ. See "Expiry" below.
  Duration retention_grace = std::chrono::hours(1);

  // If more than 0: how many replicas must have each write before it is acknowledged (WAIT), and
  // how long to wait for them; then `in_doubt`.
  int wait_replicas = 0;
  Duration wait_timeout = std::chrono::seconds(1);

  // How many connections are kept at most, to each node; they are opened as they are needed. At
  // least one.
  std::size_t pool_size = 8;
  // How long a call waits for a free connection; then it throws `exhausted`.
  Duration pool_timeout = std::chrono::seconds(5);
  // How long an attempt to connect may take, with AUTH and the like; then `unavailable`.
  Duration connect_timeout = std::chrono::seconds(5);
  // How long to wait for an answer; then the connection is given up: `in_doubt`, for a read
  // `unavailable`.
  Duration command_timeout = std::chrono::seconds(5);

  // Whether to refuse a server that may evict keys when its memory is full: one whose
  // maxmemory-policy is not noeviction. Needs the permission for INFO. Set it to false only where
  // INFO is not to be had and the policy is known.
  bool require_noeviction = true;

  // Whether to speak TLS, 1.2 or later, with the server, or with all of a cluster's nodes; not over
  // a socket. The server's certificate is always verified, and so is its name. Files are in PEM,
  // and are read once, by the constructor.
  bool tls = false;
  // Who is trusted; without it, whom the system trusts.
  std::string tls_ca_file;
  // This side's certificate, with those between it and its CA, and its key, if the server asks.
  std::string tls_certificate_file;
  std::string tls_key_file;
  // The name, or IP address, that the certificate must be for. Without it: `host`, and for a
  // cluster's other nodes the name or address that they announce. For nodes that announce addresses
  // which their certificates lack, set a name that all of these have.
  // A cluster announces its nodes' TLS ports to clients by TLS if it is set to `tls-cluster yes`.
  std::string tls_server_name;
};

// Each call is one command or script on one key, and one round trip. It takes a second one where
// the server has forgotten the script (it was restarted, or told to), which is then sent whole; and
// for a claim that the server refuses because it takes no writes at the moment: then it is looked
// whether there is a record, so that replays go on.
//
// *Durability.* An acknowledged write is as safe as the server makes it:
//   appendonly yes, appendfsync always     on disk before it is acknowledged: it survives a crash
//   appendonly yes, appendfsync everysec   a crash of the machine loses up to two seconds of writes
//   appendonly no, the default             a crash loses all since the last snapshot: minutes
//   failover to a replica                  loses what had not reached it, whatever appendfsync
//   says;
//                                          with wait_replicas, less; see there
//   maxmemory-policy other than noeviction loses any record at any time: such a server is refused
// A lost completion means that the command runs again when a client retries it. With wait_replicas
// every answer also waits until the replicas have whatever it may rest on. That outlives the
// failure of one node if the replica that is promoted is one that had it: WAIT is no consensus. For
// what must never run twice use PostgreSQL.
//
// *Expiry.* The stored deadline, and the service's clock, decide what has lapsed. The server's own
// expiry only removes what nobody can need any more, in place of purge_expired: it drops a record
// `expires_at - last_transition_at + retention_grace` after it was written, counted by the server's
// clock; a renewal that keeps the earlier write's later deadline keeps its time too. So
// last_transition_at must be the writer's now, as the service has it. If a server's clock steps
// ahead by more than retention_grace, or that of a promoted replica is ahead by as much, records
// are dropped too early. A record without a deadline, or with one a thousand years off, is kept.
//
// *Replicas.* Only a primary is written to, and answers claims. find() also works on a replica, so
// a store object on one can serve as a service's query port.
//
// Errors of every call; native_code() is the first word of the server's error, such as "OOM":
//   contended      a cluster's node sent the call on too often; TRYAGAIN
//   exhausted      no free connection within pool_timeout; memory is full (OOM), which also keeps
//                  what runs from being completed, but not from being replayed; too many
//                  connections (ERR)
//   unavailable    no connection could be made; the connection was lost in a read; the server is
//                  starting (LOADING), busy with a script (BUSY), a replica (READONLY, MASTERDOWN),
//                  can't save (MISCONF), has too few replicas (NOREPLICAS); CLUSTERDOWN
//   in_doubt       the connection was lost, or given up, after a write had been sent; fewer than
//                  wait_replicas have it
//   corrupt        what is stored can't be a record; another type of value (WRONGTYPE)
//   misconfigured  wrong or no password (WRONGPASS, NOAUTH), no permission (NOPERM); the server may
//                  evict keys; a cluster's node without `cluster`; a record of another version; TLS
//                  that fails, of a certificate too: what() has OpenSSL's reason; and
//                  whatever else is no matter of time
// and std::bad_alloc. The next call after a lost connection makes a new one.
//
// Thread-safety: safe. Not to be used in a child process after fork().
class NEXUS_IDEMPOTENCY_API RedisIdempotencyStore final : public IdempotencyStore {
 public:
  // Connects to nothing yet: a server that is down is an error of the first call, and of none after
  // it is up.
  // Errors: InvalidValueError if an option is out of its range, or a file of TLS can't be used.
  explicit RedisIdempotencyStore(RedisStoreOptions options = {});

  ~RedisIdempotencyStore() override;
  RedisIdempotencyStore(const RedisIdempotencyStore&) = delete;
  RedisIdempotencyStore& operator=(const RedisIdempotencyStore&) = delete;

  [[nodiscard]] std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override;
  [[nodiscard]] ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override;
  [[nodiscard]] bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override;

  // Does nothing and returns 0: the server drops records by itself, see "Expiry".
  std::size_t purge_expired(Timestamp before, std::size_t limit) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_REDIS_REDIS_STORE_HPP
