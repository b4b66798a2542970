// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
import HummingbirdCore
import KithModel
import Logging
import NIOHTTP1
import ServiceLifecycle
import Synchronization

/// Runs an application of the framework's without what wakes a process that has nothing to do: the framework keeps the date of
/// its answers by a timer each second, for each listener; here it is made when it is needed.
package struct HTTPListener<Responder: HTTPResponder>: Service
where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
    package let application: Application<Responder>
    private let date = DateHeader()

    package init(_ application: Application<Responder>) { self.application = application }

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
                // Routes render their errors: what still comes here is that the client has gone, which it may do as often as it
                // likes, or a fault of ours.
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

/// What came of a request while it was being answered is none.
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
