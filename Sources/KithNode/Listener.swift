// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import ServiceLifecycle
import SystemPackage

/// A listener whose failure to open says which one it was, and what to do.
struct Listener: Service {
    let application: any Service
    let host: String
    let port: Int
    /// The flag that chooses another port.
    let flag: String

    func run() async throws {
        do {
            try await application.run()
        } catch let error as IOError {
            let why =
                switch Errno(rawValue: error.errnoCode) {
                case .addressInUse: "the port is taken; choose another with \(flag)"
                case .addressNotAvailable: "this machine does not have that address"
                case .permissionDenied: "ports below 1024 need rights that this user does not have"
                default: "\(error)"
                }
            throw NodeStartError(.portTaken, "cannot listen on \(host):\(port): \(why)", cause: nil)
        }
    }
}
