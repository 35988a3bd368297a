// ringfort — everything an embedding program may use.
#pragma once

#include <ringfort/answers.hpp>
#include <ringfort/arena.hpp>
#include <ringfort/bytes.hpp>
#include <ringfort/certificate.hpp>
#include <ringfort/client.hpp>
#include <ringfort/client_certificates.hpp>
#include <ringfort/client_tls.hpp>
#include <ringfort/connection_report.hpp>
#include <ringfort/engine.hpp>
#include <ringfort/errand.hpp>
#include <ringfort/error.hpp>
#include <ringfort/exchange.hpp>
#include <ringfort/files.hpp>
#include <ringfort/key_log.hpp>
#include <ringfort/message.hpp>
#include <ringfort/metrics.hpp>
#include <ringfort/names.hpp>
#include <ringfort/records.hpp>
#include <ringfort/router.hpp>
#include <ringfort/service.hpp>
#include <ringfort/target.hpp>
#include <ringfort/task.hpp>
#include <ringfort/ticket_keys.hpp>
#include <ringfort/tls.hpp>
#include <ringfort/whole_body.hpp>
