//! What becomes of received bytes and of answers: frames are parsed, requests accepted and handed out, replies sent; no system call is made here.
//!
//! Invariants
//! 1. A body that is taken gets exactly one reply: its own, an error of the reactor, or, at the end of a drain, an error for all.
//! 2. A ticket is answered once; what comes for it later, or for a connection that is gone, goes nowhere.

use std::collections::VecDeque;

use proofplane_ring::Producer;

use super::connection::Connection;
use super::post::Post;
use super::service::{Named, Service};
use super::slab::{CAPACITY, Slab};
use super::tickets::{Flight, Flights, Ticket, Way};
use super::types::{Reply, Request, ServeError};
use crate::contract::Contract;
use crate::envelope::{Head, StableFront, read_request, request_id};
use crate::frame::{Front, front};
use crate::limits::Limits;

/// Requests that one turn hands out, so that its owner gets its time.
const REQUESTS_A_TURN: usize = 256;
/// Requests that one of several connections may hand out in one turn, so that none takes the others' share.
const REQUESTS_A_CONNECTION: usize = 64;
/// Smallest limit of a frame, bytes: any name and a message that says what is wrong must fit an error reply.
const LEAST_FRAME: u32 = 512;

/// Whoever gets the requests.
pub(crate) type Sink<'a> = dyn FnMut(Request<'_>) + 'a;

/// The connections, by key.
pub(crate) type Connections = Slab<Connection>;

/// The part of a driver that knows requests and replies, and nothing of descriptors.
pub(crate) struct Core {
    pub(crate) limits: Limits,
    pub(crate) post: Post,
    /// Connections with something received to parse, each once (`Connection::pending`).
    pub(crate) pending: VecDeque<u64>,
    /// Requests that this turn may still hand out.
    pub(crate) budget: usize,
    /// Most of these for one connection before the others had theirs.
    pub(crate) quantum: usize,
    /// Nothing is read: the server as a whole came to its bound and is not yet at half of it again.
    pub(crate) held: bool,
    /// No further connection is served.
    pub(crate) closing: bool,
    service: Service,
    flights: Flights,
    most_flights: usize,
}

impl Core {
    pub(crate) fn new(contract: &Contract, limits: &Limits) -> Result<Self, ServeError> {
        if limits.max_frame < LEAST_FRAME {
            return Err(ServeError::invalid(format!(
                "max_frame is {}; at least {LEAST_FRAME} is needed for error replies",
                limits.max_frame
            )));
        }
        for (name, value) in [
            ("max_in_flight", limits.max_in_flight),
            ("max_connections", limits.max_connections),
            ("max_waiting", limits.max_waiting),
        ] {
            if value == 0 {
                return Err(ServeError::invalid(format!("{name} is 0; nothing could be served")));
            }
        }
        Ok(Self {
            limits: limits.clone(),
            post: Post::new(),
            pending: VecDeque::new(),
            budget: 0,
            quantum: 0,
            held: false,
            closing: false,
            service: Service::new(contract, limits.max_frame)?,
            flights: Flights::new(),
            most_flights: (limits.max_waiting as usize).min(CAPACITY),
        })
    }

    /// A turn begins.
    pub(crate) fn begin(&mut self, connections: usize) {
        self.budget = REQUESTS_A_TURN;
        self.quantum = if connections > 1 { REQUESTS_A_CONNECTION } else { REQUESTS_A_TURN };
    }

    /// Requests handed out so far.
    #[inline]
    pub(crate) fn handed_out(&self) -> u64 {
        self.post.stats.requests
    }

    /// Requests handed out and not answered, those of clients that are gone included.
    pub(crate) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Whether the server as a whole may take no further request.
    #[inline]
    fn is_full(&self) -> bool {
        self.flights.len() >= self.most_flights
    }

    /// Updates `held`; true if it changed.
    pub(crate) fn changes_held(&mut self) -> bool {
        let held = if self.held {
            self.flights.len() > self.most_flights / 2
        } else {
            self.is_full()
        };
        held != std::mem::replace(&mut self.held, held)
    }

    /// Takes the frames at the front of `bytes`; returns how many bytes they were, or all of them once the input is over.
    pub(crate) fn parse(&mut self, key: u64, connection: &mut Connection, bytes: &[u8], sink: &mut Sink<'_>) -> usize {
        let mut rest = bytes;
        for _ in 0..self.quantum {
            if !self.may_take(connection) {
                break;
            }
            match front(rest, self.limits.max_frame) {
                Front::Frame { body, rest: after } => {
                    self.accept(key, connection, body, None, sink);
                    rest = after;
                }
                Front::Partial { .. } if connection.input_over => {
                    rest = &[];
                    break;
                }
                Front::Partial { .. } => break,
                Front::TooLarge { body } => {
                    self.refuse_too_large(key, connection, body as usize, None);
                    connection.input_over = true;
                    rest = &[];
                    break;
                }
            }
        }
        if connection.paused || connection.input_over || connection.broken {
            self.post.mark(key, connection);
        }
        bytes.len() - rest.len()
    }

    /// Whether a further body may be taken from this connection now.
    #[inline]
    pub(crate) fn may_take(&self, connection: &mut Connection) -> bool {
        self.budget > 0 && !self.held && !self.is_full() && connection.may_take(&self.limits)
    }

    /// Takes one body: hands it out, or answers it.
    #[inline]
    pub(crate) fn accept(&mut self, key: u64, connection: &mut Connection, body: &[u8], ring: Option<&mut Producer>, sink: &mut Sink<'_>) {
        self.budget = self.budget.saturating_sub(1);
        // A body in a ring can still be written by its client: what was checked must be what is used.
        let stable = ring.is_some().then(|| StableFront::of(body));
        let front = stable.as_ref().map_or(body, StableFront::bytes);
        let request = match read_request(front) {
            Ok(request) => request,
            Err(error) => {
                let way = request_id(front).map_or_else(|| Way::Plain(connection.order.take()), Way::Id);
                return self.refuse(key, connection, way, &error.to_string(), ring);
            }
        };
        if let Some(id) = request.id
            && self.is_duplicate(connection, id)
        {
            let message = format!("request id {id} is in flight already: the earlier request keeps it");
            return self.refuse(key, connection, Way::Id(id), &message, ring);
        }
        let way = request.id.map_or_else(|| Way::Plain(connection.order.take()), Way::Id);
        match self.service.find(request.name) {
            Named::Method(method) => {
                let position = connection.flights.len() as u32;
                let ticket = self.flights.insert(Flight {
                    connection: key,
                    method,
                    position,
                    way,
                });
                connection.flights.push(ticket);
                if let Way::Id(id) = way {
                    connection.with_id += 1;
                    connection.highest_id = connection.highest_id.max(id);
                }
                self.post.stats.requests += 1;
                sink(Request {
                    ticket: Ticket(ticket),
                    method,
                    payload: &body[front.len() - request.payload.len()..],
                });
            }
            Named::Hello => {
                let (pair, payload) = self.service.hello();
                self.post.send(key, connection, way, pair, payload, ring);
            }
            Named::Unknown => self.refuse(key, connection, way, &format!("there is no command {:?} here", request.name), ring),
        }
    }

    /// Answers an error of the reactor's own to a body that is too large, in the order.
    pub(crate) fn refuse_too_large(&mut self, key: u64, connection: &mut Connection, len: usize, ring: Option<&mut Producer>) {
        self.budget = self.budget.saturating_sub(1);
        let way = Way::Plain(connection.order.take());
        let message = format!("the frame has {len} bytes, at most {} are taken", self.limits.max_frame);
        self.refuse(key, connection, way, &message, ring);
    }

    fn refuse(&mut self, key: u64, connection: &mut Connection, way: Way, message: &str, ring: Option<&mut Producer>) {
        self.post.stats.refused += 1;
        let (pair, payload) = self.service.error(message, connection.most_reply);
        self.post.send(key, connection, way, pair, &payload, ring);
    }

    /// A scan of the connection's flights, for clients whose ids do not only grow; they are at most `max_in_flight`.
    #[inline]
    fn is_duplicate(&self, connection: &Connection, id: u64) -> bool {
        let flies = |ticket: &u64| self.flights.get(*ticket).is_some_and(|flight| flight.way == Way::Id(id));
        id <= connection.highest_id && connection.flights.iter().any(flies)
    }

    /// Ends a request's flight; `None` when there is none under this ticket.
    pub(crate) fn land(&mut self, ticket: Ticket, connections: &mut Connections) -> Option<Flight> {
        let flight = self.flights.remove(ticket.0)?;
        let Some(connection) = connections.get_mut(flight.connection) else {
            self.post.stats.orphaned += 1;
            return None;
        };
        let position = flight.position as usize;
        connection.flights.swap_remove(position);
        if let Some(&moved) = connection.flights.get(position) {
            self.flights.get_mut(moved).expect("a connection lists flights in flight").position = flight.position;
        }
        if matches!(flight.way, Way::Id(_)) {
            connection.with_id -= 1;
        }
        Some(flight)
    }

    /// Sends the answer to a request that has landed.
    pub(crate) fn answer(&mut self, flight: &Flight, connection: &mut Connection, reply: Reply<&[u8]>, ring: Option<&mut Producer>) {
        let (key, most) = (flight.connection, connection.most_reply);
        let message = match reply {
            Reply::Error(message) => message,
            Reply::Ok(payload) => {
                let pair = self.service.response(flight.method);
                let around = if matches!(flight.way, Way::Id(_)) { Head::ID_BYTES } else { 0 };
                let len = around + pair.len() + payload.len();
                if len <= most {
                    return self.post.send(key, connection, flight.way, pair, payload, ring);
                }
                let message = format!("the reply has {len} bytes, this connection carries at most {most}");
                return self.refuse(key, connection, flight.way, &message, ring);
            }
        };
        let (pair, payload) = self.service.error(&message, most);
        self.post.send(key, connection, flight.way, pair, &payload, ring);
    }

    /// Tickets of every request in flight.
    pub(crate) fn tickets(&self) -> Vec<Ticket> {
        self.flights.keys().into_iter().map(Ticket).collect()
    }
}
