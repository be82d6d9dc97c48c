import SluiceCore

extension EdgeLoop {
    /// Puts a connection under the limit its state asks for. A limit it is under already keeps
    /// running, except the idle one, which starts anew with every request.
    func setDeadline(_ connection: EdgeConnection) {
        let wanted = deadlineWanted(connection)
        guard wanted != connection.deadline else { return }
        connection.deadline = wanted
        let limit: Int
        switch wanted {
        case .none: return wheel.set(connection.index, deadline: TimeoutWheel.never)
        case .first:
            limit = isDraining ? EdgeLimits.drainGraceMilliseconds : limits.headTimeoutMilliseconds
        case .head: limit = limits.headTimeoutMilliseconds
        case .body: limit = limits.bodyTimeoutMilliseconds
        case .idle: limit = limits.idleTimeoutMilliseconds
        case .send: limit = limits.sendTimeoutMilliseconds
        case .linger: limit = limits.lingerTimeoutMilliseconds
        }
        wheel.set(connection.index, deadline: now + Int64(limit))
    }

    private func deadlineWanted(_ connection: EdgeConnection) -> EdgeConnection.Deadline {
        if connection.phase == .lingering { return .linger }
        if connection.sendBlocked { return .send }
        if connection.phase == .finishing || connection.isStalled || connection.isPaused {
            return .none
        }
        if connection.progress != .head { return .body }
        if connection.input != nil { return .head }
        if connection.output != nil { return .none }
        return connection.hasAsked ? .idle : .first
    }

    func expireDeadlines() {
        if let until = acceptPausedUntil, now >= until { resumeAccepting() }
        while let index = wheel.popExpired(now: now) {
            let connection = connections[index]
            if connection.phase != .free { expire(connection) }
        }
    }

    private func expire(_ connection: EdgeConnection) {
        switch connection.deadline {
        case .none:
            return
        case .first, .idle:
            counts.timedOut += 1
            close(connection)
        case .head, .body:
            counts.timedOut += 1
            refuse(connection, .requestTimeout, head: knownHead(connection))
            settle(connection)
        case .send:
            counts.timedOut += 1
            close(connection)
        case .linger:
            close(connection)
        }
    }
}
