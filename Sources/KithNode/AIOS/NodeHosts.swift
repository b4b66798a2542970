// SPDX-License-Identifier: Apache-2.0

#if canImport(KithAIOS)
    package import KithAIOS
    import KithMembership
    import KithModel
    import KithTransport
    import Logging
    import ServiceLifecycle
    import Yams

    /// The hosts that the discovery role asks.
    enum NodeHosts {
        /// The services that ask the hosts of the seeds' `config/hosts.yaml`. Without that file nothing is asked; a
        /// file that cannot be used is reported in the log.
        static func services(
            dataDirectory: String, registry: RegistryService, upstream: UpstreamClient, clock: any TimeSource,
            logger: Logger, ownCell: @escaping @Sendable () -> CellInfo
        ) -> [any Service] {
            let path = dataDirectory + "/config/hosts.yaml"
            do {
                guard let bytes = try BoundedFile.bytesIfPresent(path, limit: HostsFile.maximumBytes) else { return [] }
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw HostsFile.Unreadable(description: "it is not UTF-8 text")
                }
                let prober = HostsProber(
                    hosts: try HostsFile(yaml: text), registry: registry, upstream: upstream, clock: clock,
                    logger: logger,
                    ownCell: ownCell)
                return [BackgroundLoop { await prober.run() }]
            } catch {
                logger.warning("the list of hosts is not used", metadata: ["path": "\(path)", "reason": "\(error)"])
                return []
            }
        }
    }

    extension HostsFile {
        package static let maximumBytes = 262_144

        /// Why nothing of a file can be used, in words.
        package struct Unreadable: Error, Hashable, Sendable, CustomStringConvertible {
            package var description: String
        }

        /// Reads the seeds' `config/hosts.yaml`. Single hosts and ports that cannot be used are left out and reported.
        ///
        /// - Throws: ``Unreadable`` when the text is not YAML, or not a mapping.
        package init(yaml text: String) throws(Unreadable) {
            self.init()
            let root: Yams.Node?
            do {
                root = try Yams.compose(yaml: text)
            } catch {
                throw Unreadable(description: "it is not YAML")
            }
            guard let root else { return }
            guard let root = root.mapping else { throw Unreadable(description: "it is not a mapping with hosts") }
            ports = readPorts(root["network"]?.mapping?["discovery_ports"], of: "network.discovery_ports")
            readTimes(root["discovery"]?.mapping)
            readHosts(root["hosts"])
        }

        private mutating func readHosts(_ node: Yams.Node?) {
            guard let node else { return }
            guard let mapping = node.mapping else {
                problems.append("hosts is not a mapping of names")
                return
            }
            for (key, value) in mapping.prefix(Self.maximumHosts) {
                guard let name = key.short else {
                    problems.append("a host has no name that can be used")
                    continue
                }
                guard let fields = value.mapping else {
                    problems.append("the host \(name) says nothing of itself")
                    continue
                }
                let names = [fields["ip"]] + (fields["mdns_names"]?.sequence.map { Array($0.prefix(8)) } ?? [])
                hosts.append(
                    Host(
                        name: name, addresses: (names + [fields["hostname"]]).compactMap { $0?.short },
                        ports: readServices(fields["services"], of: name), branch: fields["branch"]?.short,
                        hostname: fields["hostname"]?.short))
            }
            if mapping.count > Self.maximumHosts {
                problems.append("only the first \(Self.maximumHosts) hosts are used")
            }
        }

        private mutating func readServices(_ node: Yams.Node?, of host: String) -> [Int] {
            guard let services = node?.sequence else { return [] }
            return services.prefix(Self.maximumPortsOfHost).compactMap { service in
                // A service without a port cannot be asked.
                service.mapping?["port"].flatMap { readPort($0, of: "the host \(host)") }
            }
        }

        private mutating func readPorts(_ node: Yams.Node?, of what: String) -> [Int] {
            guard let node else { return [] }
            guard let list = node.sequence else {
                problems.append("\(what) is not a list")
                return []
            }
            if list.count > Self.maximumPortsOfHost {
                problems.append("only the first \(Self.maximumPortsOfHost) ports of \(what) are used")
            }
            return list.prefix(Self.maximumPortsOfHost).compactMap { readPort($0, of: what) }
        }

        private mutating func readPort(_ node: Yams.Node, of what: String) -> Int? {
            if let port = node.scalar.flatMap({ Int($0.string) }), (1...65_535).contains(port) { return port }
            problems.append("\(what) has a port that is none")
            return nil
        }

        private mutating func readTimes(_ mapping: Yams.Node.Mapping?) {
            interval =
                readTime(mapping?["probe_interval"], within: Self.intervals, "discovery.probe_interval") ?? interval
            timeout =
                readTime(mapping?["connection_timeout"], within: Self.timeouts, "discovery.connection_timeout")
                ?? timeout
        }

        /// Yams's own reading of numbers is not used: it knows forms that nobody writes here, and multiplies without a check.
        private mutating func readTime(
            _ node: Yams.Node?, within range: ClosedRange<Double>, _ what: String
        ) -> Duration? {
            guard let node else { return nil }
            if let seconds = node.scalar.flatMap({ Double($0.string) }), range.contains(seconds) {
                return .seconds(seconds)
            }
            problems.append("\(what) is not a number of seconds from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
    }

    extension Yams.Node {
        /// A text that can be shown: not empty, short, and without characters that change how the rest looks.
        fileprivate var short: String? {
            guard let text = scalar?.string, (1...CellInfo.maximumLength).contains(text.utf8.count),
                text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control && $0.value != 0x2028 })
            else { return nil }
            return text
        }
    }
#endif
