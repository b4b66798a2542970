// SPDX-License-Identifier: Apache-2.0

import KithMetrics
import KithModel
import KithServer
import KithStore
import KithTrust
import Logging
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Access for clients: their keys, the token of the owner's command line, TLS, and the audit trail of refusals.
struct ClientAccess: Sendable {
    let control: AccessControl
    let tls: SurfaceTLSSource?
    let audit: StoreAuditTrail
    let firewall: NodeFirewall
    private let files: CertificateFiles?
    private let own: OwnCertificate?
    private let dataDirectory: String
    private let logger: Logger

    /// - Throws: ``NodeStartError`` when the certificate cannot be used, or when other machines would reach a listener
    ///   for which nobody has a key.
    static func open(
        settings: NodeSettings, store: Store, identity: NodeIdentity, clock: any TimeSource,
        keyRequests: CounterFamily? = nil, logger: Logger
    ) async throws -> ClientAccess {
        let keys = try await ClientKeys.load(from: store)
        try check(keys, settings: settings, logger: logger)
        let audit = StoreAuditTrail(
            store: store, outlets: settings.audit.outlets, logger: logger, clock: clock)
        let firewall = NodeFirewall(settings.firewall, logger: logger)
        let control = AccessControl(
            policy: AccessPolicy(
                host: settings.host, requiresKey: settings.access.requiresKey,
                allowedHosts: settings.access.allowedHosts, allowedOrigins: settings.access.allowedOrigins),
            keys: keys, controlToken: ControlFile.freshToken(), audit: audit, keyRequests: keyRequests,
            proxies: firewall.proxies,
            limits: try await CallerLimits.load(rates: settings.access.rates, store: store, clock: clock))
        let files = CertificateFiles(settings.access.tls, logger: logger)
        let own = try OwnCertificate(identity, settings: settings, logger: logger)
        let tls = try files?.load() ?? own?.tls
        if let tls { logger.info("clients need TLS", metadata: ["certificate-sha256": "\(tls.fingerprint)"]) }
        return ClientAccess(
            control: control, tls: tls.map { SurfaceTLSSource($0) }, audit: audit, firewall: firewall, files: files,
            own: own, dataDirectory: settings.dataDirectory, logger: logger)
    }

    /// The services that run as long as the node does.
    func background(clock: any TimeSource) -> [any Service] {
        var loops = [
            BackgroundLoop { [audit] in await audit.run() },
            BackgroundLoop { [control, logger] in
                await control.limits.run { logger.error("usage not saved", metadata: ["reason": "\($0)"]) }
            },
        ]
        if let own, let tls {
            loops.append(BackgroundLoop { await own.certificate.watch(tls, from: own.names, clock: clock) })
        }
        if let files, let tls { loops.append(BackgroundLoop { await files.watch(tls, clock: clock) }) }
        return loops
    }

    /// Which connections a listener keeps.
    func gate(_ door: FirewallSettings.Door, limits: ConnectionLimits = ConnectionLimits()) -> ConnectionGate {
        firewall.gate(door, places: limits.connections, audit: audit)
    }

    /// Where clients reach a listener.
    func address(host: String, port: Int) -> HTTPAddress {
        HTTPAddress(scheme: tls == nil ? .http : .https, host: host, port: port)
    }

    /// Tells the owner's command line where the node is.
    func announce(_ address: HTTPAddress) {
        guard let token = control.controlToken else { return }
        var local = address
        if local.host == "0.0.0.0" { local.host = "127.0.0.1" }
        if local.host == "::" { local.host = "::1" }
        let file = ControlFile(url: local, token: token, fingerprint: tls?.current.fingerprint, processID: getpid())
        do {
            try file.write(dataDirectory: dataDirectory)
        } catch {
            logger.error("commands of this node's owner will be refused", metadata: ["reason": "\(error)"])
        }
    }

    func withdraw() { ControlFile.remove(dataDirectory: dataDirectory) }

    private static func check(_ keys: ClientKeys, settings: NodeSettings, logger: Logger) throws {
        if keys.hasUsableKey(now: .now()) { return }
        guard settings.isOnLoopback else {
            throw NodeStartError(
                .keyMissing,
                "cannot listen: " + ReachRefusal.withoutKey(settings.host, folder: settings.dataDirectory))
        }
        if settings.access.requiresKey {
            logger.warning("nobody has a key; make one with: kith key create --name NAME --scope chat")
        }
    }

    /// What the node shows that makes its certificate itself.
    private struct OwnCertificate {
        let certificate: ClientCertificate
        let names: ClientNames
        let tls: SurfaceTLS

        /// - Returns: `nil` unless the settings say so.
        init?(_ identity: NodeIdentity, settings: NodeSettings, logger: Logger) throws(NodeStartError) {
            guard settings.access.tls == .own else { return nil }
            certificate = try ClientCertificate(
                settings: settings, identity: identity, hostName: ProcessEnvironment.current().hostName, now: .now(),
                logger: logger)
            names = certificate.names
            tls = try certificate.issue(for: names, now: .now())
        }
    }
}

/// The certificate and key that clients are shown, as files that are renewed from time to time.
struct CertificateFiles: Sendable {
    /// The pause between two checks of the files.
    static let pause = Duration.seconds(60)
    private static let sizeLimit = 1 << 20

    private struct Contents: Hashable {
        var certificate: [UInt8]
        var key: [UInt8]
    }

    private let certificate: String
    private let key: String
    private let logger: Logger

    /// - Returns: `nil` when the settings name no files.
    init?(_ settings: AccessSettings.TLS, logger: Logger) {
        guard case .files(let certificate, let key) = settings else { return nil }
        self.certificate = certificate
        self.key = key
        self.logger = logger
    }

    /// - Throws: ``NodeStartError`` that names the file.
    func load() throws(NodeStartError) -> SurfaceTLS { try tls(of: try read()) }

    /// Uses the content of the files whenever it has changed and is valid, until the task is cancelled.
    func watch(_ source: SurfaceTLSSource, clock: any TimeSource) async {
        var last = try? read()  // read a moment ago; if it is gone by now, whatever comes is new
        while true {
            do { try await clock.sleep(forAbout: Self.pause) } catch { return }
            do throws(NodeStartError) {
                let contents = try read()
                guard contents != last else { continue }
                last = contents
                source.replace(with: try tls(of: contents))
                logger.info(
                    "certificate renewed", metadata: ["certificate-sha256": "\(source.current.fingerprint)"])
            } catch {
                logger.warning("certificate not renewed", metadata: ["reason": "\(error)"])
            }
        }
    }

    private func read() throws(NodeStartError) -> Contents {
        Contents(certificate: try bytes(certificate, of: "certificate"), key: try bytes(key, of: "private key"))
    }

    private func bytes(_ path: String, of what: String) throws(NodeStartError) -> [UInt8] {
        do {
            return try BoundedFile.bytes(path, limit: Self.sizeLimit)
        } catch {
            throw NodeStartError(.certificate, "cannot read the \(what) \(path)", cause: error)
        }
    }

    private func tls(of contents: Contents) throws(NodeStartError) -> SurfaceTLS {
        let tls: SurfaceTLS
        do {
            tls = try SurfaceTLS(certificate: contents.certificate, key: contents.key)
        } catch {
            let file =
                switch error.code {
                case .certificate: certificate
                case .key: key
                case .mismatch: "\(key), as the private key of \(certificate),"
                }
            throw NodeStartError(.certificate, "\(file) \(error.message)", cause: error.cause)
        }
        warn(of: tls)
        return tls
    }

    /// Clients that check the certificate refuse it, and others do not notice: no reason not to start.
    private func warn(of tls: SurfaceTLS) {
        let now = WallTime.now()
        guard let validity = tls.validity, !validity.contains(now) else { return }
        logger.warning(
            now < validity.lowerBound ? "the certificate is not valid yet" : "the certificate has expired",
            metadata: [
                "file": "\(certificate)", "from": "\(validity.lowerBound.rfc3339)",
                "to": "\(validity.upperBound.rfc3339)",
            ])
    }
}
