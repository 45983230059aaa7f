#!/bin/sh
# Gives the app's identity application permissions of Microsoft Graph. Repeating it changes nothing.
#
#   scripts/grant-graph.sh Mail.Read User.Read.All
#
# IDENTITY_PRINCIPAL_ID is the object id of the identity; azd sets it from the outputs of the
# deployment. As azd's postprovision hook the permissions come from EVERGRAPH_GRAPH_PERMISSIONS.
# GRAPH_ORIGIN names the Graph of a national cloud.
# Needs az, signed in as someone who may grant: Privileged Role Administrator.
set -eu

die() {
    echo "grant-graph.sh: $*" >&2
    exit 1
}

if [ $# -eq 0 ]; then
    # Words of one setting, on purpose.
    # shellcheck disable=SC2086
    set -- ${EVERGRAPH_GRAPH_PERMISSIONS:-}
fi
if [ $# -eq 0 ]; then
    echo "grant-graph.sh: nothing to grant. Name the permissions as arguments, or for azd:" >&2
    echo "  azd env set EVERGRAPH_GRAPH_PERMISSIONS \"Mail.Read User.Read.All\"" >&2
    exit 0
fi
principal=${IDENTITY_PRINCIPAL_ID:-}
[ -n "$principal" ] || die "IDENTITY_PRINCIPAL_ID is not set. It is an output of the deployment:
  export IDENTITY_PRINCIPAL_ID=\$(azd env get-value IDENTITY_PRINCIPAL_ID)"
command -v az >/dev/null || die "az, the Azure command line, is not on the PATH"

# Graph's own application id, the same in every tenant.
graph_app=00000003-0000-0000-c000-000000000000
origin=${GRAPH_ORIGIN:-https://graph.microsoft.com}
assignments=$origin/v1.0/servicePrincipals/$principal/appRoleAssignments

resource=$(az ad sp show --id "$graph_app" --query id --output tsv) ||
    die "Graph's service principal cannot be read; is az signed in (az login)?"
[ -n "$resource" ] || die "az names no service principal of Graph"

failed=0
for permission in "$@"; do
    # A name stands in a query below, so nothing but a name may pass.
    case $permission in
    *[!A-Za-z0-9.]*) die "$permission is no name of a permission" ;;
    esac
    role=$(az ad sp show --id "$graph_app" --output tsv --query \
        "appRoles[?value=='$permission' && contains(allowedMemberTypes, 'Application')].id | [0]") ||
        die "Graph's permissions cannot be read"
    if [ -z "$role" ] || [ "$role" = None ]; then
        echo "grant-graph.sh: Graph has no application permission $permission" >&2
        failed=1
        continue
    fi
    granted=$(az rest --method GET --url "$assignments?\$top=999" --output tsv --query \
        "value[?appRoleId=='$role' && resourceId=='$resource'].id | [0]") ||
        die "what the identity may do already cannot be read"
    if [ -n "$granted" ] && [ "$granted" != None ]; then
        echo "grant-graph.sh: $permission is granted already" >&2
        continue
    fi
    body="{\"principalId\":\"$principal\",\"resourceId\":\"$resource\",\"appRoleId\":\"$role\"}"
    if az rest --method POST --url "$assignments" --body "$body" --output none; then
        echo "grant-graph.sh: $permission granted" >&2
    else
        echo "grant-graph.sh: $permission could not be granted. An administrator can run:" >&2
        echo "  az rest --method POST --url $assignments --body '$body'" >&2
        failed=1
    fi
done

echo "grant-graph.sh: a token of a managed identity is kept for up to a day, so a new permission" >&2
echo "  can take hours to work." >&2
exit "$failed"
