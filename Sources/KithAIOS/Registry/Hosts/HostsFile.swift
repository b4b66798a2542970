// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What the seeds' `config/hosts.yaml` says: the hosts of a household, and where cells may answer on them.
package struct HostsFile: Hashable, Sendable {
    package static let maximumHosts = 64
    package static let maximumPortsOfHost = 32
    /// Connections that may be open at once follow from it.
    package static let maximumTargets = 256
    package static let intervals = 5.0...3_600.0
    package static let timeouts = 0.1...30.0

    package struct Host: Hashable, Sendable {
        package var name: String
        /// Where it may be reached, the best first: its address, its mDNS names, its host name.
        package var addresses: [String]
        /// Of its own services.
        package var ports: [Int]
        package var branch: String?
        package var hostname: String?

        package init(
            name: String, addresses: [String], ports: [Int] = [], branch: String? = nil, hostname: String? = nil
        ) {
            self.name = name
            self.addresses = addresses
            self.ports = ports
            self.branch = branch
            self.hostname = hostname
        }
    }

    /// One port that is asked.
    package struct Target: Hashable, Sendable {
        package var address: HTTPAddress
        package var host: Host

        package init(address: HTTPAddress, host: Host) {
            self.address = address
            self.host = host
        }
    }

    package var hosts: [Host]
    /// Asked on every host.
    package var ports: [Int]
    /// Between two questions to a port that did not answer as a cell does.
    package var interval: Duration
    /// For one question.
    package var timeout: Duration
    /// What is not used of the file, in words.
    package var problems: [String]

    package init(
        hosts: [Host] = [], ports: [Int] = [], interval: Duration = .seconds(30), timeout: Duration = .seconds(3),
        problems: [String] = []
    ) {
        self.hosts = hosts
        self.ports = ports
        self.interval = interval
        self.timeout = timeout
        self.problems = problems
    }

    /// What is to be asked: each port once, in the order of the file.
    ///
    /// - Parameter rules: Which addresses it may lead to. A host is asked at its first address that they allow.
    package func targets(_ rules: RegistryAddressRules) -> (targets: [Target], problems: [String]) {
        var (targets, problems, known) = ([Target](), [String](), Set<HTTPAddress>())
        for host in hosts.prefix(Self.maximumHosts) {
            guard let address = host.addresses.first(where: { rules.refusal(of: $0) == nil }) else {
                let why = host.addresses.first.flatMap(rules.refusal) ?? "it has no address"
                problems.append("the host \(host.name) is not asked: \(why)")
                continue
            }
            for port in (ports + host.ports).prefix(Self.maximumPortsOfHost) {
                let place = HTTPAddress(host: address, port: port)
                if known.insert(place).inserted { targets.append(Target(address: place, host: host)) }
            }
        }
        if targets.count > Self.maximumTargets {
            problems.append("only the first \(Self.maximumTargets) of \(targets.count) ports are asked")
        }
        return (Array(targets.prefix(Self.maximumTargets)), problems)
    }
}
