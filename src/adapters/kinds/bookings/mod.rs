//! Staff and customers of Microsoft Bookings over Graph
//! (<https://learn.microsoft.com/en-us/graph/api/resources/booking-api-overview>).

mod customers;
mod pages;
mod staff;

pub use customers::BookingsCustomer;
pub use staff::BookingsStaff;
