//! What came back, and from where.

use super::named::named;

/// Which service answered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Service {
    /// Microsoft Graph, change notification subscriptions.
    GraphSubscriptions,
    /// Microsoft Graph, directory: users, groups, applications, role and app assignments.
    GraphDirectory,
    /// Microsoft Graph, OneDrive and SharePoint files.
    GraphDrive,
    /// Microsoft Graph, mail, calendar, contacts, and Planner.
    GraphMailPlanner,
    /// Microsoft Graph, teams, channels and chats.
    GraphTeams,
    /// Microsoft Bookings.
    Bookings,
    /// Azure Cosmos DB.
    Cosmos,
    /// Azure Storage: blobs, queues, tables and files.
    Storage,
    /// App Service and Functions, their deployment service (Kudu) included.
    AppService,
    /// Azure Resource Manager.
    Arm,
    /// Azure Key Vault.
    KeyVault,
    /// Service Bus and Event Grid.
    Messaging,
}

named! {
    Service {
        GraphSubscriptions => "graph-subscriptions",
        GraphDirectory => "graph-directory",
        GraphDrive => "graph-drive",
        GraphMailPlanner => "graph-mail-planner",
        GraphTeams => "graph-teams",
        Bookings => "bookings",
        Cosmos => "cosmos",
        Storage => "storage",
        AppService => "appservice",
        Arm => "arm",
        KeyVault => "keyvault",
        Messaging => "messaging",
    }
}

/// What was being done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Operation {
    /// A create by POST.
    Create,
    /// A create at a name of the caller's choice, by PUT.
    CreateByPut,
    /// A change: PATCH, PUT over something that exists.
    Update,
    /// A delete.
    Delete,
    /// GET, HEAD, a list or a query.
    Read,
    /// An action or function call.
    Action,
    /// Taking, renewing, changing, breaking or releasing a lease.
    LeaseAction,
}

named! {
    Operation {
        Create => "create",
        CreateByPut => "create-by-put",
        Update => "update",
        Delete => "delete",
        Read => "read",
        Action => "action",
        LeaseAction => "lease-action",
    }
}

/// A failed answer of a service.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Which service.
    pub service: Service,
    /// What was being done.
    pub operation: Operation,
    /// HTTP status.
    pub status: u16,
    /// Headers, names in any letter case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body, whatever it is.
    pub body: &'a [u8],
}
