// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithInference
import KithMetrics
import KithModel
import KithServer
import Logging
import NIOCore
import NIOHTTP1

/// The routes that are answered before the framework: those of prompts, whose pieces a gateway relays by the thousand.
final class FastPath: Sendable {
    let services: NodeServices
    let logger: Logger
    private let gate: ConnectionGate
    /// Where each route's requests are counted; empty where they are not.
    private let meters: [FastPathRequest.Route: RequestMeter.Route]

    /// - Parameter gate: Of the listener.
    init(services: NodeServices, gate: ConnectionGate, logger: Logger) {
        self.gate = gate
        self.services = services
        self.logger = logger
        let meter = services.metrics.listener.meter
        meters =
            meter.map { meter in
                Dictionary(uniqueKeysWithValues: FastPathRequest.Route.allCases.map { ($0, meter.route($0.rawValue)) })
            } ?? [:]
    }

    /// Counts a request that was answered here.
    func note(
        _ outcome: RequestMeter.Outcome, on route: FastPathRequest.Route, since began: NIODeadline, of id: RequestID
    ) {
        meters[route]?.note(outcome, since: began, of: id)
    }

    /// Answers it in a connection's channel.
    var handler: NodeChannel.EarlyHandler {
        { FastPathHandler(route: self, executor: $0, limits: $1, wantsFramework: $2) }
    }

    /// A client that is refused is answered by the framework's route.
    ///
    /// - Parameters:
    ///   - known: The client that the connection was last identified as; checked again after each change of the keys, and
    ///     every second, because a key can expire.
    ///   - source: The other end of the connection.
    func admits(
        _ request: FastPathRequest, from source: AddressRange?, on channel: any Channel, known: inout KnownClient?,
        now: NIODeadline
    ) -> Bool {
        let version = services.access.version
        if let known, known.version == version, now < known.until, known.shown == request.shown,
            known.host == request.host
        {
            return true
        }
        guard let caller = services.access.caller(of: request, admittedTo: .chat),
            services.access.limits.admits(caller, from: source)
        else { return false }
        if known == nil { gate.settle(channel) }
        known = KnownClient(
            caller, of: request, version: version, until: now + .seconds(1),
            requests: services.access.requests(of: caller))
        return true
    }

    /// The client that was last admitted on a connection.
    final class KnownClient: Sendable {
        let caller: Principal
        fileprivate let shown: FastPathRequest.Credentials
        fileprivate let host: String
        fileprivate let version: UInt64
        fileprivate let until: NIODeadline
        /// Where its requests are counted.
        let requests: CounterSeries?

        fileprivate init(
            _ caller: Principal, of request: FastPathRequest, version: UInt64, until: NIODeadline,
            requests: CounterSeries?
        ) {
            self.caller = caller
            shown = request.shown
            host = request.host
            self.version = version
            self.until = until
            self.requests = requests
        }
    }

    /// Counts a request by what its client may do.
    ///
    /// - Returns: What the client is told of that; `nil` when it may not ask now: the framework's route says so.
    func count(_ client: KnownClient, from source: AddressRange?) -> [HTTPField]? {
        do throws(LimitRefusal) {
            // In this order: what is refused here is counted again by the framework's route, the address first.
            let pace = try services.access.limits.count(client.caller, from: source)
            try services.access.limits.countAddress(RequestSource(address: source))
            return pace.map { Array($0.fields) } ?? []
        } catch {
            return nil
        }
    }

    /// - Returns: `nil` for what is no request: the framework's route says what is wrong.
    func completion(_ body: ByteBuffer, to route: FastPathRequest.Route) -> (any DialectCompletion)? {
        let bytes = [UInt8](buffer: body)
        return switch route {
        case .chatCompletions: try? OpenAICompletion(chat: bytes)
        case .messages: try? AnthropicCompletion(bytes)
        case .responses: try? ResponsesCompletion(stateless: bytes)
        }
    }

    /// - Returns: `nil` when the work was cancelled: the client has gone.
    ///
    /// - Parameters:
    ///   - asked: The completion's.
    ///   - fields: What the client is told besides.
    func reply(
        to completion: any DialectCompletion, _ asked: ChatRequest, for request: FastPathRequest, by caller: Principal,
        fields: [HTTPField]
    ) async -> PlainReply? {
        let name = request.name(or: asked.id)
        var reply: PlainReply?
        do {
            let routed = try await services.dispatch(
                asked, by: caller, headers: request.wishes, path: request.route.rawValue)
            reply = try await completion.reply(routed, services: services)
        } catch is CancellationError {
            return nil
        } catch {
            let problem = SurfaceError(error)
            problem.log(path: request.route.rawValue, request: name, to: logger)
            reply = try? problem.reply(in: type(of: completion).errors)  // encoding these few strings cannot fail
        }
        reply?.name(name)
        if !fields.isEmpty { reply?.add(fields) }
        return reply
    }
}

extension AccessControl {
    /// - Returns: `nil` when the request may not go on to a route. Sends nothing: refusing is for the framework's routes.
    fileprivate func caller(of request: FastPathRequest, admittedTo scope: RouteScope) -> Principal? {
        guard case .success(let principal) = caller(key: request.shown.key, host: request.host) else { return nil }
        return scope.isOpen(to: principal) ? principal : nil
    }
}

/// The head of a request to the ``FastPath``, as far as it matters there.
struct FastPathRequest: Sendable {
    enum Route: String, CaseIterable, Sendable {
        case chatCompletions = "/v1/chat/completions"
        case messages = "/v1/messages"
        case responses = "/v1/responses"

        /// - Parameter uri: As the client wrote it. The one query that is known says nothing, and some programs' base address
        ///   lacks the version.
        init?(uri: String) {
            switch uri {
            case "/v1/messages?beta=true": self = .messages
            case "/chat/completions": self = .chatCompletions
            default: self.init(rawValue: uri)
            }
        }
    }

    /// The fields in which a key may stand, as the client wrote them.
    struct Credentials: Hashable {
        fileprivate(set) var authorization: String?
        fileprivate(set) var apiKey: String?
        fileprivate(set) var azureKey: String?

        /// `nil` where there is none.
        var key: PresentedKey? {
            PresentedKey(authorization: authorization, apiKey: apiKey, azureKey: azureKey)
        }
    }

    let route: Route
    let shown: Credentials
    let host: String
    /// The fields by which a client says what it wishes; see ``NodeServices/dispatch(_:headers:)``.
    let wishes: HTTPFields

    /// - Parameter bodyLimit: Most bytes of a body that is accepted.
    /// - Returns: `nil` for every other request, and for one that is unusual in any way: the framework knows what to do
    ///   with those.
    init?(_ head: HTTPRequestHead, bodyLimit: Int) {
        guard head.method == .POST, head.version == .http1_1, let route = Route(uri: head.uri) else { return nil }
        self.route = route
        var (length, host, shown) = (Int?.none, String?.none, Credentials())
        var wishes = HTTPFields()
        for (name, value) in head.headers {  // one pass: each look-up by name would take another
            switch name.lowercased() {
            case "expect", "upgrade", "origin", "sec-fetch-site", "cookie": return nil  // a page in a browser asks
            case "connection": guard value.lowercased() == "keep-alive" else { return nil }
            case "content-type": guard MediaTypes.isJSON(value) else { return nil }
            case "content-length":
                guard length == nil, let bytes = Int(value), (0...max(0, bodyLimit)).contains(bytes) else { return nil }
                length = bytes
            case "host":
                guard host == nil else { return nil }
                host = value
            case "authorization":
                guard shown.authorization == nil else { return nil }
                shown.authorization = value
            case "x-api-key":
                guard shown.apiKey == nil else { return nil }
                shown.apiKey = value
            case "api-key":
                guard shown.azureKey == nil else { return nil }
                shown.azureKey = value
            case let other
            where other.hasPrefix("x-kith-") || HTTPFields.namesRequest(other) || HTTPFields.namesConversation(other):
                guard let name = HTTPField.Name(other), HTTPField.isValidValue(value) else { return nil }
                wishes.append(HTTPField(name: name, value: value))
            case let other where ForwardingFields.isOne(other): return nil  // it comes from elsewhere
            default: break
            }
        }
        guard length != nil, let host else { return nil }
        self.shown = shown
        self.host = host
        self.wishes = wishes
    }

    /// What the request is called: the client's name for it if it gave a sound one.
    ///
    /// - Parameter id: What it is called otherwise.
    func name(or id: RequestID) -> RequestID { wishes.requestID ?? id }
}
