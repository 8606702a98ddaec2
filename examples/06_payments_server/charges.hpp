// SPDX-License-Identifier: MIT
// POST /v1/{resource}: what a charge is, and that it is made once.
#ifndef PAYMENTS_CHARGES_HPP
#define PAYMENTS_CHARGES_HPP

#include <httplib.h>

#include <nexus/idempotency/http/http_idempotency.hpp>
#include <optional>
#include <string>

#include "books.hpp"
#include "options.hpp"

namespace payments {

class Charges {
 public:
  Charges(Books& books, const Options& options);

  // The request's body has been read by whoever calls.
  void post(const httplib::Request& from, std::string body, httplib::Response& to) const;

 private:
  HttpResponse charge(const Charge& charge, HttpExecution* execution) const;

  Books& books_;
  const Options& options_;
  const HttpIdempotency idempotency_;
};

// Returns: what the credential in the header Authorization stands for; nothing if there is none.
// The credential itself is kept nowhere.
std::optional<TenantId> tenant_of(const httplib::Request& request);

}  // namespace payments

#endif  // PAYMENTS_CHARGES_HPP
