// SPDX-License-Identifier: Apache-2.0

/// What a machine's service manager is told about the node: a unit of systemd, or an agent of launchd.
package struct ServiceUnit: Hashable, Sendable {
    package enum Scope: String, Hashable, Sendable, CaseIterable {
        /// Runs as one user, with that user's files.
        case user
        /// Runs as a user of its own, which systemd makes.
        case system
    }

    /// The name under which service managers know the node.
    package static let name = "kith.service"
    /// The name of the agent for launchd.
    package static let label = "kith.node"
    /// Where a system's node has its files.
    package static let systemFolder = "/var/lib/kith"

    package var scope: Scope
    /// The path of this program.
    package var program: String
    /// The node's folder; for ``Scope/system`` it is ``systemFolder``.
    package var dataDirectory: String
    /// Flags for `kith up`.
    package var flags: [String]

    package init(scope: Scope, program: String, dataDirectory: String, flags: [String] = []) {
        self.scope = scope
        self.program = program
        self.dataDirectory = scope == .system ? Self.systemFolder : dataDirectory
        self.flags = flags
    }

    private var command: [String] {
        scope == .system ? [program, "up"] + flags : [program, "up", "--data-dir", dataDirectory] + flags
    }

    /// systemd.unit(5).
    package var systemd: String {
        let start = command.map(Self.quotedForSystemd).joined(separator: " ")
        return switch scope {
        case .user: Self.userUnit(start: start)
        case .system: Self.systemUnit(start: start)
        }
    }

    /// What gives a unit that is there already the flags of this one.
    package var systemdAddition: String {
        """
        # Written by kith service install; kith service uninstall removes it.
        [Service]
        ExecStart=
        ExecStart=\(command.map(Self.quotedForSystemd).joined(separator: " "))

        """
    }

    private static func userUnit(start: String) -> String {
        """
        # Written by kith service install; kith service uninstall removes it.
        [Unit]
        Description=kith, a node of a private network of AI assistants
        StartLimitIntervalSec=0

        [Service]
        \(running(start: start))
        NoNewPrivileges=yes
        LockPersonality=yes
        RestrictRealtime=yes
        RestrictSUIDSGID=yes
        SystemCallArchitectures=native

        [Install]
        WantedBy=default.target

        """
    }

    private static func systemUnit(start: String) -> String {
        """
        # Written by kith service install; kith service uninstall removes it.
        [Unit]
        Description=kith, this machine's node of a private network of AI assistants
        Wants=network-online.target
        After=network-online.target avahi-daemon.service
        StartLimitIntervalSec=0

        [Service]
        \(running(start: start))
        DynamicUser=yes
        Environment=KITH_DATA_DIR=\(systemFolder) KITH_ENGINE_DIR=\(systemFolder)/engine
        LimitNOFILE=65536
        StateDirectory=kith
        StateDirectoryMode=0700
        WorkingDirectory=\(systemFolder)
        CapabilityBoundingSet=
        NoNewPrivileges=yes
        ProtectSystem=strict
        ProtectHome=yes
        ProtectProc=invisible
        PrivateTmp=yes
        PrivateDevices=yes
        PrivateUsers=yes
        ProtectClock=yes
        ProtectHostname=yes
        ProtectControlGroups=yes
        ProtectKernelLogs=yes
        ProtectKernelModules=yes
        ProtectKernelTunables=yes
        LockPersonality=yes
        MemoryDenyWriteExecute=yes
        RestrictNamespaces=yes
        RestrictRealtime=yes
        RestrictSUIDSGID=yes
        RemoveIPC=yes
        RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
        SystemCallArchitectures=native
        SystemCallFilter=@system-service
        SystemCallFilter=~@privileged
        SystemCallErrorNumber=EPERM

        [Install]
        WantedBy=multi-user.target

        """
    }

    /// A setting that cannot be used does not become right by trying again; what the node leaves behind goes with it.
    private static func running(start: String) -> String {
        """
        Type=notify
        ExecStart=\(start)
        Restart=on-failure
        RestartSec=100ms
        RestartPreventExitStatus=64
        WatchdogSec=60
        KillMode=mixed
        TimeoutStartSec=120
        TimeoutStopSec=30
        UMask=0077
        """
    }

    /// One word of a command line: systemd.service(5), "Command lines".
    static func quotedForSystemd(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || "/._-:=,@+".utf8.contains(byte)
            }
        guard !isPlain else { return word }
        var escaped = ""
        for scalar in word.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "%": escaped += "%%"
            case "$": escaped += "$$"
            case "\n": escaped += "\\n"
            case "\r": escaped += "\\r"
            case "\t": escaped += "\\t"
            case _ where scalar.properties.generalCategory == .control: continue
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return "\"" + escaped + "\""
    }

    /// The flags that a unit of ours gives to `kith up`, without the folder; empty for a unit that has none.
    package static func flags(inUnit text: String) -> [String] {
        let starts = text.split(separator: "\n").compactMap { line in
            line.hasPrefix("ExecStart=") ? line.dropFirst("ExecStart=".count) : nil
        }
        return starts.last.map { flags(inCommand: words($0)) } ?? []
    }

    package static func flags(inCommand words: [String]) -> [String] {
        guard words.count > 1, words[1] == "up" else { return [] }
        var flags = Array(words.dropFirst(2))
        while let place = flags.firstIndex(of: "--data-dir") {
            flags.removeSubrange(place..<min(place + 2, flags.count))
        }
        return flags
    }

    /// The words of a command line, as ``quotedForSystemd(_:)`` writes them.
    private static func words(_ line: Substring) -> [String] {
        var words: [String] = []
        var word: String?
        var isQuoted = false
        var scalars = line.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            switch scalar {
            case "\"":
                isQuoted.toggle()
                word = word ?? ""
            case "\\" where isQuoted:
                switch scalars.next() {
                case "n": word?.append("\n")
                case "r": word?.append("\r")
                case "t": word?.append("\t")
                case let other?: word?.unicodeScalars.append(other)
                case nil: break
                }
            case " " where !isQuoted:
                if let whole = word { words.append(whole) }
                word = nil
            default: word = (word ?? "") + String(scalar)
            }
        }
        if let word { words.append(word) }
        return words.map { $0.replacing("%%", with: "%").replacing("$$", with: "$") }
    }

    /// launchd.plist(5).
    ///
    /// - Parameter log: Where the node's output goes.
    package func launchd(log: String) -> String {
        let words = command.map { "        <string>\(Self.escapedForXML($0))</string>" }.joined(separator: "\n")
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
            <plist version="1.0">
            <dict>
                <key>Label</key>
                <string>\(Self.label)</string>
                <key>ProgramArguments</key>
                <array>
            \(words)
                </array>
                <key>RunAtLoad</key>
                <true/>
                <key>KeepAlive</key>
                <dict>
                    <key>SuccessfulExit</key>
                    <false/>
                </dict>
                <key>ProcessType</key>
                <string>Interactive</string>
                <key>Umask</key>
                <integer>63</integer>
                <key>StandardErrorPath</key>
                <string>\(Self.escapedForXML(log))</string>
            </dict>
            </plist>

            """
    }

    static func escapedForXML(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case _ where scalar.properties.generalCategory == .control: continue
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
