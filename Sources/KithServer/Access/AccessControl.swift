// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import KithMetrics
package import KithModel
import KithTrust

/// Identifies the caller of each request to a listener of clients. Neither waits nor blocks.
package struct AccessControl: Sendable {
    package var policy: AccessPolicy
    package var keys: ClientKeys
    /// The token of the owner's command line; new with every start.
    package var controlToken: Secret?
    package var audit: any AuditTrail
    /// Proxies that say truly where a request comes from.
    package let proxies: LiveSetting<[AddressRange]>
    /// Browsers that have signed in to the page.
    package let page = PageSessions()
    /// Where the requests of each key are counted, by its name; `nil` where they are not.
    package var keyRequests: CounterFamily?
    /// What callers may use, and what they have used.
    package var limits: CallerLimits

    package init(
        policy: AccessPolicy, keys: ClientKeys, controlToken: Secret?, audit: any AuditTrail,
        keyRequests: CounterFamily? = nil, proxies: LiveSetting<[AddressRange]> = LiveSetting([]),
        limits: CallerLimits = CallerLimits()
    ) {
        self.proxies = proxies
        self.limits = limits
        self.keyRequests = keyRequests
        self.policy = policy
        self.keys = keys
        self.controlToken = controlToken
        self.audit = audit
    }

    /// Changes with each change of the keys.
    package var version: UInt64 { keys.version }

    /// Where the requests of a caller are counted: those of a caller without a key are not.
    package func requests(of caller: Principal) -> CounterSeries? {
        guard case .key(let key) = caller else { return nil }
        return keyRequests?.series(key.id)
    }

    /// - Parameter connection: The address of the connection's other end.
    package func source(of head: HTTPRequest, over connection: AddressRange?) -> RequestSource {
        RequestSource(head.headerFields, over: connection, trusting: proxies.value)
    }

    package func caller(_ head: HTTPRequest, from source: RequestSource) -> Result<Principal, AccessRefusal> {
        policy.caller(
            key: PresentedKey(head.headerFields), host: head.authority, from: source, verdict: verdict,
            page: { pageCaller(head) })
    }

    /// Whether a caller that was let in would be let in now: a key may be revoked while it follows something.
    package func mayStill(_ scope: Scope, _ head: HTTPRequest, from source: RequestSource) -> Bool {
        guard case .success(let principal) = caller(head, from: source) else { return false }
        return principal.may(scope)
    }

    /// For requests without a cookie that nobody has passed on.
    package func caller(key: PresentedKey?, host: String?) -> Result<Principal, AccessRefusal> {
        policy.caller(key: key, host: host, verdict: verdict)
    }

    func verdict(_ key: PresentedKey) -> Result<Principal, AccessRefusal> {
        if key.isContradicted { return .failure(.severalKeys) }
        if let controlToken, controlToken.matches(key.text.utf8) { return .success(.control) }
        switch keys.check(key.text.utf8, now: .now()) {
        case .granted(let record): return .success(.key(record))
        case .refused(let reason, let id): return .failure(.keyRefused(reason, id: id))
        }
    }
}

/// Which callers a listener of clients admits, and as which `Principal`.
package struct AccessPolicy: Hashable, Sendable {
    /// Whether every caller must have a key. The default where other machines reach the listener.
    package var requiresKey: Bool
    /// Whether this machine alone reaches the listener, so that a name which is not its own is a page's way to it.
    package var isOnLoopback: Bool
    /// For requests without a key.
    package var hostNames: HostNames
    /// The pages of other origins that may use the node's own port.
    package var origins: AllowedOrigins

    package init(
        requiresKey: Bool, isOnLoopback: Bool = true, hostNames: HostNames = HostNames(),
        origins: AllowedOrigins = .none
    ) {
        self.requiresKey = requiresKey
        self.isOnLoopback = isOnLoopback
        self.hostNames = hostNames
        self.origins = origins
    }

    /// The policy of a listener on `host`.
    package init(host: String, requiresKey: Bool, allowedHosts: [String], allowedOrigins: [String] = []) {
        let isLoopback = HostNames.isLoopback(host[...])
        self.init(
            requiresKey: requiresKey || !isLoopback, isOnLoopback: isLoopback,
            hostNames: HostNames(allowedHosts + [host]), origins: AllowedOrigins(allowedOrigins))
    }

    /// - Parameters:
    ///   - key: The key in the request; `nil` when there is none.
    ///   - host: From its `Host` header; `nil` when there is none, which no page of another site can achieve.
    ///   - source: Where the request comes from.
    ///   - verdict: Checks a key that matters here.
    ///   - page: Checks the cookie of a browser, for a request without such a key; `nil` when there is none that counts here.
    func caller(
        key: PresentedKey?, host: String?, from source: RequestSource = RequestSource(address: nil),
        verdict: (PresentedKey) -> Result<Principal, AccessRefusal>,
        page: () -> Result<Principal, AccessRefusal>? = { nil }
    ) -> Result<Principal, AccessRefusal> {
        let needsKey = requiresKey || !source.mayBeOfThisMachine
        var refusal: AccessRefusal?
        if let key, needsKey || key.isOfNode {
            switch verdict(key) {
            case .success(let principal): return .success(principal)
            case .failure(let reason): refusal = reason
            }
        }
        if isOnLoopback, let host, !hostNames.contains(authority: host) { return .failure(.foreignHost(host)) }
        if let refusal { return .failure(refusal) }
        if needsKey { return page() ?? .failure(requiresKey ? .keyMissing : .passedOn) }
        // Whoever has signed out, or whose session has ended, is a caller on this machine as before.
        if case .success(let principal)? = page() { return .success(principal) }
        return .success(.local)
    }
}

/// The host names by which a loopback listener may be addressed: those that no name server can point elsewhere, and
/// those that the owner added.
///
/// A page of another site whose name has come to mean 127.0.0.1 (DNS rebinding) still sends its own name.
package struct HostNames: Hashable, Sendable {
    private let added: Set<String>

    package init(_ added: some Sequence<String> = []) {
        self.added = Set(added.map { Self.normalised(Substring($0)) })
    }

    /// - Parameter authority: a host with or without a port, as in a `Host` header.
    func contains(authority: String) -> Bool {
        guard let host = Self.host(of: authority) else { return false }
        if host.isEmpty { return false }
        return Self.isLoopback(host) || added.contains(Self.normalised(host))
    }

    /// Names that end in `localhost` mean this machine and nothing else (RFC 6761, section 6.3).
    static func isLoopback(_ host: Substring) -> Bool {
        if host == "localhost" || host == "127.0.0.1" || host == "[::1]" || host == "::1" { return true }
        let parts = host.utf8.split(separator: UInt8(ascii: "."), maxSplits: 4, omittingEmptySubsequences: false)
        if parts.count == 4, parts[0].elementsEqual("127".utf8) {
            return parts.allSatisfy(isOctet)
        }
        let name = normalised(host)
        return name == "localhost" || name.hasSuffix(".localhost")
    }

    private static func isOctet(_ digits: Substring.UTF8View) -> Bool {
        (1...3).contains(digits.count) && digits.allSatisfy { 0x30...0x39 ~= $0 }
            && digits.reduce(0) { 10 * $0 + Int($1 - 0x30) } <= 255
    }

    /// - Returns: `nil` when what follows the host is not a port.
    private static func host(of authority: String) -> Substring? {
        let bytes = authority.utf8
        let end: String.Index
        if bytes.first == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            end = bytes.index(after: bracket)
        } else {
            end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
        }
        let rest = bytes[end...]
        guard rest.isEmpty || rest.first == UInt8(ascii: ":"), rest.dropFirst().allSatisfy({ 0x30...0x39 ~= $0 }) else {
            return nil
        }
        return authority[..<end]
    }

    /// Without the dot that may end a full name, and without the brackets of an IPv6 address.
    private static func normalised(_ host: Substring) -> String {
        var host = host
        if host.hasSuffix(".") { host = host.dropLast() }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return host.lowercased()
    }
}

/// The caller of a request, once it is identified.
package enum Principal: Hashable, Sendable {
    /// A caller on this machine, without a key.
    case local
    /// A caller that can read this node's files: the command line of its owner.
    case control
    /// The holder of a key.
    case key(ClientKeyRecord)

    /// Changes of trust always need a key or the owner: every program and page on a machine may call without one.
    package func may(_ scope: Scope) -> Bool {
        switch self {
        case .local: scope != .admin
        case .control: true
        case .key(let key): key.scopes.contains(scope)
        }
    }
}

/// What a route requires: any one of some scopes, or nothing at all.
package struct RouteScope: Hashable, Sendable, ExpressibleByArrayLiteral {
    /// Empty for a route that is open to everyone.
    let anyOf: [Scope]

    package init(arrayLiteral scopes: Scope...) { anyOf = scopes }

    /// For liveness only; its answer must not tell anything else.
    package static let everyone: RouteScope = []
    package static let chat: RouteScope = [.chat]
    package static let assist: RouteScope = [.assist]
    package static let sync: RouteScope = [.sync]
    package static let peer: RouteScope = [.peer]
    package static let read: RouteScope = [.read]
    package static let admin: RouteScope = [.admin]
    /// For what every caller may see of itself.
    package static let any: RouteScope = [.chat, .assist, .sync, .peer, .read, .admin]

    package func isOpen(to principal: Principal) -> Bool { anyOf.contains { principal.may($0) } }
}
