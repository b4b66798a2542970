// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A real Avahi daemon with a message bus of its own, in a network namespace that nothing leaves.
///
/// Its clients are in this process: the bus is a socket in the file system, which network namespaces share.
final class MulticastDaemon: Sendable {
    /// One path for the whole process, because libdbus keeps the first address it was told.
    private static let folder: String = {
        let folder = FileManager.default.temporaryDirectory.path + "/kith-mdns-\(getpid())"
        setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=\(folder)/bus", 1)
        return folder
    }()

    /// Whether this machine and user can have one.
    static let isPossible: Bool = {
        #if os(Linux)
            guard geteuid() == 0 else { return false }
            let trial = Process()
            trial.executableURL = URL(filePath: "/bin/sh")
            trial.arguments = [
                "-c",
                "command -v avahi-daemon && command -v dbus-daemon && unshare --net --mount sh -c 'mount -t tmpfs none /run"
                    + " && ip link add eth0 type veth peer name eth1'",
            ]
            trial.environment = ["PATH": path]
            trial.standardOutput = FileHandle.nullDevice
            trial.standardError = FileHandle.nullDevice
            guard (try? trial.run()) != nil else { return false }
            trial.waitUntilExit()
            return trial.terminationStatus == 0
        #else
            return false
        #endif
    }()

    private static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Uses the daemon's bus, whether or not a daemon is there.
    static func useOwnBus() { _ = folder }

    private let process: Mutex<Process>
    private let orders = Pipe()

    /// Starts the bus and the daemon.
    init() throws {
        try FileManager.default.createDirectory(atPath: Self.folder, withIntermediateDirectories: true)
        try Self.bus.write(toFile: Self.folder + "/bus.conf", atomically: true, encoding: .utf8)
        try Self.avahi.write(toFile: Self.folder + "/avahi.conf", atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", Self.script]
        process.environment = ["PATH": Self.path, "FOLDER": Self.folder]
        process.currentDirectoryURL = URL(filePath: Self.folder)
        process.standardInput = orders
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.process = Mutex(process)
    }

    func kill() { order("kill") }

    func start() { order("start") }

    /// Ends the bus and the daemon.
    func end() {
        order("end")
        process.withLock { $0.waitUntilExit() }
        try? FileManager.default.removeItem(atPath: Self.folder)
    }

    private func order(_ word: String) { orders.fileHandleForWriting.write(Data("\(word)\n".utf8)) }

    /// Ends with its input, so that nothing outlives a test run that is killed.
    private static let script = """
        mount -t tmpfs none /run && mkdir -p /run/avahi-daemon && mount -t tmpfs none /etc/avahi
        ip link set lo up && ip link add eth0 type veth peer name eth1
        ip address add 10.77.0.1/24 dev eth0 && ip link set eth0 up && ip link set eth1 up
        dbus-daemon --config-file="$FOLDER/bus.conf" --nofork --nopidfile & bus=$!
        while [ ! -S "$FOLDER/bus" ]; do sleep 0.05; done
        start() {
            env DBUS_SYSTEM_BUS_ADDRESS="unix:path=$FOLDER/bus" \\
                avahi-daemon -f "$FOLDER/avahi.conf" --no-drop-root --no-chroot --no-rlimits & avahi=$!
        }
        start
        while read -r order; do
            case $order in
                start) start ;;
                kill) kill -9 "$avahi"; wait "$avahi"; rm -f /run/avahi-daemon/* ;;
                end) break ;;
            esac
        done
        kill -9 "$avahi" "$bus"
        """

    private static let bus = """
        <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
         "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
        <busconfig>
          <type>system</type>
          <listen>unix:path=\(folder)/bus</listen>
          <policy context="default">
            <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
          </policy>
        </busconfig>
        """

    private static let avahi = """
        [server]
        host-name=kith-test
        use-ipv4=yes
        use-ipv6=yes
        [wide-area]
        enable-wide-area=no
        [publish]
        publish-hinfo=no
        publish-workstation=no

        """
}
