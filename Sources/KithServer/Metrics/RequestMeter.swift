// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
package import KithMetrics
package import KithModel
package import NIOCore
import Synchronization

/// Counts the requests of a role's listeners, by route and outcome, and how long they take.
package final class RequestMeter: Sendable {
    package enum Outcome: String, CaseIterable, Sendable {
        case ok
        /// The client's fault: 4xx.
        case refused
        /// This node's fault: 5xx.
        case failed
        /// The client had gone.
        case abandoned

        package init(_ status: HTTPResponse.Status) {
            self =
                switch status.code {
                case 500...: .failed
                case 400...: .refused
                default: .ok
                }
        }
    }

    /// One route, for code that knows it; note that it holds atomic counters and no names.
    package struct Route: Sendable {
        let ok: CounterSeries
        let refused: CounterSeries
        let failed: CounterSeries
        let abandoned: CounterSeries
        let durations: HistogramSeries

        /// - Parameters:
        ///   - began: When the request had been read.
        ///   - request: Its name, where it has one.
        package func note(_ outcome: Outcome, since began: NIODeadline, of request: KithModel.RequestID? = nil) {
            counter(of: outcome).increment()
            durations.record(.nanoseconds((NIODeadline.now() - began).nanoseconds), of: request)
        }

        func counter(of outcome: Outcome) -> CounterSeries {
            switch outcome {
            case .ok: ok
            case .refused: refused
            case .failed: failed
            case .abandoned: abandoned
            }
        }
    }

    private let role: String
    private let requests: CounterFamily
    private let durations: HistogramFamily
    private let routes = Mutex<[String: Route]>([:])

    /// - Parameter role: Whose listener it is.
    package init(role: String, in registry: MetricRegistry) {
        self.role = role
        requests = registry.counter(
            "kith_requests_total", "Requests that were answered, by route and outcome.",
            labels: ["role", "route", "outcome"])
        durations = registry.histogram(
            "kith_request_duration_seconds", "From a request to the end of its answer, by route.",
            labels: ["role", "route"])
    }

    /// - Parameter path: A route's own path, never the path that a client sent: of these there are few. `nil`, or a word of the
    ///   framework's, where no route was found.
    package func route(_ path: String?) -> Route {
        let path = path.flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "other"
        return routes.withLock { routes in
            if let known = routes[path] { return known }
            func counter(_ outcome: Outcome) -> CounterSeries { requests.series(role, path, outcome.rawValue) }
            let route = Route(
                ok: counter(.ok), refused: counter(.refused), failed: counter(.failed), abandoned: counter(.abandoned),
                durations: durations.series(role, path))
            routes[path] = route
            return route
        }
    }

    /// What was counted, where it is not nothing.
    package var counts: [(route: String, outcome: Outcome, count: Int)] {
        let routes = routes.withLock { $0 }
        return routes.sorted { $0.key < $1.key }.flatMap { path, route in
            Outcome.allCases.sorted { $0.rawValue < $1.rawValue }.compactMap { outcome in
                let count = Int(route.counter(of: outcome).count)
                return count > 0 ? (path, outcome, count) : nil
            }
        }
    }
}

/// Counts the requests that reach the framework; belongs outside of the middleware that turns errors into answers.
package struct RequestMetering: RouterMiddleware {
    package typealias Context = NodeRequestContext

    let meter: RequestMeter

    package init(meter: RequestMeter) { self.meter = meter }

    package func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        let began = NIODeadline.now()
        do {
            var response = try await next(request, context)
            let (route, outcome) = (meter.route(context.endpointPath), RequestMeter.Outcome(response.status))
            guard response.body.contentLength == nil else {
                route.note(outcome, since: began)
                return response
            }
            // A stream is over when its last piece is written.
            response.body = ResponseBody { [body = response.body] writer in
                do {
                    try await body.write(writer)
                } catch {
                    route.note(.abandoned, since: began)
                    throw error
                }
                route.note(outcome, since: began)
            }
            return response
        } catch {
            meter.route(context.endpointPath).note(.abandoned, since: began)
            throw error
        }
    }
}
