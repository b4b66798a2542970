// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
package import HummingbirdCore
package import KithModel
package import KithTrust
package import Logging
package import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Synchronization

/// Runs a Hummingbird application without its timer. The framework updates the `Date` header once a second, for each
/// listener, which wakes an idle process; here the header is made when it is needed.
package struct HTTPListener<Responder: HTTPResponder>: Service
where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
    private let application: Application<Responder>
    private let date = DateHeader()

    /// - Parameters:
    ///   - connections: Held at once; more wait in the kernel's backlog.
    ///   - onListening: Called with the channel when the port is open.
    package init(
        responder: Responder, server: HTTPServerBuilder, host: String, port: Int, connections: Int, logger: Logger,
        onListening: @escaping @Sendable (any Channel) async -> Void
    ) {
        // What the framework says of each port, the node says in its own words.
        var framework = logger
        if framework.logLevel == .info { framework.logLevel = .notice }
        application = Application(
            responder: responder, server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(connections, logger: logger)),
            onServerRunning: onListening, logger: framework)
    }

    /// A listener for clients: HTTP/1.1, or with TLS also HTTP/2.
    ///
    /// - Parameters:
    ///   - errors: The dialect in which clients are told that what they sent is not HTTP: there is no path to tell it
    ///     by.
    ///   - early: Makes the handler that answers some HTTP/1.1 requests before the framework.
    ///   - gate: Which connections are kept.
    ///   - onListening: Called with the channel when the port is open.
    package init(
        responder: Responder, address: HTTPAddress, limits: ConnectionLimits, errors: ErrorDialect,
        early: NodeChannel.EarlyHandler? = nil, tls: SurfaceTLSSource?, gate: ConnectionGate, logger: Logger,
        onListening: @escaping @Sendable (any Channel) async -> Void
    ) {
        let server = HTTPServerBuilder { responder in
            var http1 = NodeChannel(responder: responder, limits: limits, errors: errors, early: early)
            guard let tls else { return AdmittedChannel(http1, by: gate) }
            http1.isSecure = true
            return AdmittedChannel(
                SecureNodeChannel(
                    tls: tls, http1: http1, http2: MultiplexedNodeChannel(responder: responder, limits: limits),
                    limits: limits), by: gate)
        }
        self.init(
            responder: responder, server: server, host: address.host, port: address.port,
            connections: gate.ceiling, logger: logger, onListening: onListening)
    }

    /// - Throws: `IOError` when the port cannot be opened.
    package func run() async throws {
        let configuration = ServerConfiguration(
            address: application.configuration.address, backlog: application.configuration.backlog,
            reuseAddress: application.configuration.reuseAddress,
            availableConnectionsDelegate: application.configuration.availableConnectionsDelegate)
        try await application.server.buildServer(
            configuration: configuration, eventLoopGroup: application.eventLoopGroup, logger: application.logger
        ) { [application, date] request, writer, channel in
            let source = ApplicationRequestContextSource(channel: channel, logger: application.logger)
            var response: Response
            do {
                response = try await application.responder.respond(
                    to: request, context: Responder.Context(source: source))
            } catch let error as HTTPParserError {
                throw error
            } catch {
                // Routes render their errors: what still arrives here is that the client has gone, which is normal, or
                // a fault of ours.
                let level: Logger.Level = error is CancellationError ? .debug : .error
                application.logger.log(level: level, "a request failed", metadata: ["reason": "\(error)"])
                response = Response(status: .internalServerError)
            }
            response.headers[.date] = date.now
            do {
                try await writer.write(response: response.head, body: response.body)
            } catch is HTTPParserError {
                throw BrokenRequest()  // as it is, it would be answered once more
            }
        } onServerRunning: { [application] channel in
            await application.onServerRunning(channel)
        }.run()
    }
}

/// The request turned out to be malformed while it was being answered.
private struct BrokenRequest: Error {}

/// The text of a `Date` field, made once a second at most.
private final class DateHeader: Sendable {
    private let last = Mutex<(second: Int64, text: String)>((.min, ""))

    var now: String {
        let now = WallTime.now()
        let second = now.milliseconds / 1_000
        return last.withLock { last in
            if last.second != second { last = (second, now.httpDate) }
            return last.text
        }
    }
}

/// Finds the response to each request in a child task, so that the task which then writes it is not left with a deep stack.
///
/// A task keeps the memory that its deepest calls needed until it ends. Middleware, routing and the search for an
/// engine go thirty kilobytes deep, and the task that writes a stream lives as long as the stream.
package struct ChildTaskResponder<Base: HTTPResponder>: HTTPResponder where Base.Context: Sendable {
    package let base: Base

    package init(base: Base) { self.base = base }

    package func respond(to request: Request, context: Base.Context) async throws -> Response {
        try await withThrowingTaskGroup(of: Response.self) { group in
            group.addTask { try await base.respond(to: request, context: context) }
            guard let response = try await group.next() else { throw CancellationError() }
            return response
        }
    }
}

/// Where clients reach a listener: a port that the system chooses is known when it is open.
package final class ListeningAddress: Sendable {
    private let state: Mutex<HTTPAddress>

    package init(_ wanted: HTTPAddress) { state = Mutex(wanted) }

    package var value: HTTPAddress { state.withLock { $0 } }

    package func opened(port: Int?) {
        guard let port else { return }
        state.withLock { $0.port = port }
    }
}
